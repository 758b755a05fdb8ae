"""A template before it is published: looked at, and mailed to addresses of the caller's."""

from __future__ import annotations

import asyncio
from typing import Annotated

import strawberry

from gateway.campaigns import sending_tests, template_material
from gateway.errors import Refusal, RefusalCollector, Refusals
from gateway.templates import versions
from gateway.templates.mail_warnings import MailWarning as GatewayWarning
from gateway.templates.mail_warnings import sent_size
from gateway.templates.preview import Preview
from gateway.templates.publishing import CompiledSource
from service.graph.campaigning import CreateTemplateInput, source_of
from service.graph.context import Info
from service.graph.intent import Input
from service.graph.mailing_preview import SendTestEmailPayload, answered
from service.graph.node import asked_id
from service.graph.sending import read_customer_id, read_sender_id
from service.graph.template import MailWarning
from service.graph.user_error import UserError, user_errors

SourceArgument = Annotated[CreateTemplateInput, strawberry.argument(description="As createTemplate would be given it.")]
CustomerArgument = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="For this Customer, with the sample's values of the template's own fields; or else with the sample "
        "data."
    ),
]


@strawberry.type(description="A template as it would be published. Its parts are null when it would be refused.")
class TemplatePreview:
    """Of a source, which is forgotten."""

    subject: str | None = strawberry.field(default=None, description="The subject line.")
    html: str | None = strawberry.field(default=None, description="The HTML part; show it in a sandboxed frame only.")
    text: str | None = strawberry.field(default=None, description="The text part.")
    size: int | None = strawberry.field(
        default=None, description="Bytes of the HTML part as it is mailed, its links tracked: about."
    )
    fields: list[str] = strawberry.field(
        default_factory=list, description="The merge fields it uses, as TemplateVersion.fields; empty when refused."
    )
    warnings: list[MailWarning] = strawberry.field(
        default_factory=list, description="What would stop a launch, or look wrong; empty when refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why createTemplate would refuse it; `field` is below `source`."
    )


async def preview_template(info: Info, source: CreateTemplateInput, customer: str | None) -> TemplatePreview | None:
    """None when there is no such customer. Writes nothing. Raises BadInput."""
    context = info.context
    chosen = None if customer is None else asked_id(customer, "Customer", "customerId").customer_id
    try:
        compiled = await context.compiler.compile(source_of(source), preview=True)
    except Refusal as refusal:
        return TemplatePreview(user_errors=user_errors([refusal]))
    except Refusals as several:
        return TemplatePreview(user_errors=user_errors(several.refusals))
    async with context.pools.reading_connection() as connection:
        reader = await template_material.reader_of(connection, compiled, chosen)
    if reader is None or (customer is not None and chosen is None):
        return None
    # A page takes some time to fill in: no connection waits for it.
    shown, lacking, fields = await asyncio.to_thread(_shown, compiled, None if chosen is None else reader)
    async with context.pools.reading_connection() as connection:
        warnings = await versions.warnings_of_source(connection, compiled, shown.html)
    return TemplatePreview(
        subject=shown.subject,
        html=shown.html,
        text=shown.text,
        size=sent_size(len(shown.html.encode()), compiled.links),
        fields=list(fields),
        warnings=MailWarning.of_all((*warnings, *lacking)),
    )


def _shown(
    compiled: CompiledSource, reader: template_material.Reader | None
) -> tuple[Preview, tuple[GatewayWarning, ...], tuple[str, ...]]:
    """What is seen, what its reader lacks, and all fields. Of a large template it takes some milliseconds."""
    version = versions.unpublished(compiled)
    if reader is None:
        return compiled.preview, (), version.all_fields
    return *template_material.shown_for(version, reader), version.all_fields


@strawberry.input(description="A test mail of a template that need not be published.")
class SendTemplateTestInput:
    """To addresses of the caller's."""

    template: CreateTemplateInput = strawberry.field(description="As createTemplate would be given it.")
    addresses: list[str] = strawberry.field(
        description=f"Where it goes: one to {sending_tests.MAX_ADDRESSES}, each once; none that is suppressed."
    )
    sender_id: strawberry.ID | None = strawberry.field(
        default=None, description="A Sender's id; DEFAULT_FROM when omitted."
    )
    customer_id: strawberry.ID | None = strawberry.field(
        default=None, description="With this Customer's values; the sample's when omitted."
    )
    idempotency_key: str = strawberry.field(
        description="1 to 255 characters of the caller's. The same key and content again returns the first result."
    )


async def send_template_test(info: Info, input: Input[SendTemplateTestInput]) -> SendTestEmailPayload:
    """Internal mail: in no history and no count. Raises Refusal, Refusals."""
    context = info.context
    found, sender_id, customer_id = RefusalCollector(), None, None
    with found.check():
        sender_id = read_sender_id(input.sender_id, ("senderId",))
    with found.check():
        if input.customer_id is not None:
            customer_id = read_customer_id(input.customer_id, ("customerId",))
    compiled = None
    with found.check():
        compiled = await _compiled(info, input.template)
    order = sending_tests.TestOrder(
        source=compiled,
        sender_id=sender_id,
        addresses=tuple(input.addresses),
        idempotency_key=input.idempotency_key,
        actor=context.actor,
        customer_id=customer_id,
        bound_relay=context.bound_relay,
    )
    return await answered(context, order, misread=found.refusals)


async def _compiled(info: Info, given: CreateTemplateInput) -> CompiledSource:
    """Raises Refusal, Refusals: their fields are below `template`."""
    try:
        return await info.context.compiler.compile(source_of(given))
    except Refusal as refusal:
        raise _below_template(refusal) from None
    except Refusals as several:
        raise Refusals(tuple(_below_template(one) for one in several.refusals)) from None


def _below_template(refusal: Refusal) -> Refusal:
    return Refusal(refusal.code, refusal.message, ("template", *refusal.field))
