"""Mails to compose in tests: one sender, one customer, one date; templates without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache
from typing import Any
from uuid import UUID

from gateway.compose.headers import Composed, Facts
from gateway.compose.individual import compose
from gateway.compose.sender_profiles import SenderVersion
from gateway.mail.letter import Letter, Mailbox
from gateway.mail.message import MessageRef
from gateway.mail.mime import AttachedFile
from gateway.mail.source import SourceType
from gateway.templates import builtin
from gateway.templates.compiled_json import dump_parts
from gateway.templates.merge_compiler import compile_parts
from gateway.templates.versions import CompiledTemplate
from tests.builders import KEYRING

MESSAGE_ID = UUID("01936a00-0000-7000-8000-00000000002a")
TEMPLATE_ID = UUID("01936a00-0000-7000-8000-0000000000aa")
CAMPAIGN_ID = UUID("01936a00-0000-7000-8000-0000000000cc")

SENDER = SenderVersion(
    id=UUID(int=1),
    sender_id=UUID(int=2),
    name="main",
    from_name="Fabrikam Installers",
    from_address="hello@fabrikam.example",
    reply_to="office@fabrikam.example",
    signature="Kim Lee\nFabrikam Installers",
    postal_address="1 Main Street\nSpringfield",
    locale="en",
    time_zone="UTC",
)

FACTS = Facts(
    ref=MessageRef(customer_id=42, message_id=MESSAGE_ID),
    mail_date=datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC),
    to=Mailbox(address="ann@customer.example", name="Ann Lee"),
    customer_name="Ann Lee",
    locale="en",
    time_zone="America/New_York",
    message_id_domain="fabrikam.example",
    public_url="https://mail.fabrikam.example",
    tracked=True,
    campaign_id=CAMPAIGN_ID,
)


@cache
def letter_template(name: str) -> CompiledTemplate:
    """Returns a built-in template, such as `work-order.created.en`, compiled as for publishing."""
    source = builtin.read_sources()[builtin.PREFIX + name]
    return CompiledTemplate(
        id=UUID(int=3),
        template_id=TEMPLATE_ID,
        name=builtin.PREFIX + name,
        source_type=source.source_type,
        locale=source.locale,
        fields=(),
        required=(),
        letter=builtin.compile_source(source),
    )


def campaign_template(
    *,
    subject: str = "News",
    html: str | None = None,
    mjml: str | None = None,
    text: str | None = None,
    locale: str = "en",
) -> CompiledTemplate:
    """A campaign's template, as publishing makes it."""
    parts = compile_parts(subject=subject, mjml=mjml, html=html, text=text, locale=locale)
    stored = {"fields": parts.fields, "compiled": dump_parts(parts), "source_type": SourceType.CAMPAIGN}
    template = CompiledTemplate.from_row(
        {"id": UUID(int=4), "template_id": TEMPLATE_ID, "name": "campaign", "locale": locale, **stored}
    )
    return replace(template, merge=parts)


def composed(
    letter: Letter,
    *,
    locale: str = "en",
    template: CompiledTemplate | None = None,
    attachments: tuple[AttachedFile, ...] = (),
    sender: SenderVersion = SENDER,
    **facts: Any,
) -> Composed:
    """One letter as a mail, with the usual facts but for those given."""
    if template is None:
        spoken = locale if locale in ("en", "de") else "en"
        template = letter_template(builtin.template_name(letter, spoken).removeprefix(builtin.PREFIX))
    return compose(
        letter,
        template=template,
        sender=sender,
        facts=replace(FACTS, locale=locale, **facts),
        keyring=KEYRING,
        attachments=attachments,
    )


def parsed(content: bytes) -> EmailMessage:
    """Returns a mail parsed by the standard library; a defect anywhere in it fails the test."""
    message = message_from_bytes(content, policy=SMTP)
    assert isinstance(message, EmailMessage)
    assert [part.defects for part in message.walk()] == [[] for _ in message.walk()]
    return message


def body(message: EmailMessage, kind: str) -> str:
    """Returns the text of its `plain` or `html` part."""
    part = message.get_body(preferencelist=(kind,))
    assert part is not None
    text = part.get_content()
    assert isinstance(text, str)
    return text
