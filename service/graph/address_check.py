"""An address that a person types, looked at before it is kept."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.campaigns.address_check import AddressWarning as GatewayWarning
from gateway.campaigns.address_check import AddressWarningKind, look_for_mail_server
from gateway.errors import Refusal
from gateway.mail.address import Address, parse_address
from service.errors import BadInput
from service.graph.address_solutions import took_mail_or_is_mistyped
from service.graph.context import Context, Info
from service.graph.row import FromValue

AddressArgument = Annotated[str, strawberry.argument(description="The address.")]


@strawberry.type(description="What speaks against an address. Nothing is refused because of it.")
class AddressWarning(FromValue[GatewayWarning]):
    """Over a warning of the gateway's."""

    kind: AddressWarningKind = strawberry.field(description="What kind.")
    text: str = strawberry.field(description="In plain words.")
    address: str | None = strawberry.field(description="The address that may be meant; null when it names none.")


@strawberry.type(description="What is known of an address before it is used.")
class AddressCheck:
    """As of now."""

    warnings: list[AddressWarning] = strawberry.field(
        description="What speaks against it; empty when nothing does, or when that is not known: DNS did not answer in "
        "four seconds, or no resolver is set."
    )


async def check_address(info: Info, text: str) -> AddressCheck:
    """Raises BadInput for what is no address."""
    context = info.context
    try:
        allow = context.deployment.settings.allow_reserved_domains
        address = parse_address(text, allow_reserved=allow)
    except Refusal as refusal:
        raise BadInput("address", f"is refused: {refusal.message}") from None
    return AddressCheck(warnings=[AddressWarning.of(one) for one in await _warnings(context, address)])


async def _warnings(context: Context, address: Address) -> list[GatewayWarning]:
    """A domain that took mail of ours is right; one that looks mistyped is not asked about in DNS, too."""
    took, meant = await took_mail_or_is_mistyped(context.reading, address.text)
    if took:
        return []
    if meant is not None:
        return [GatewayWarning(kind=AddressWarningKind.TYPO, text=meant.why, address=meant.address)]
    missing = await look_for_mail_server(address, context.deployment.settings)
    return [] if missing is None else [missing]
