"""The mail itself: its text, its headers, the proof of its bytes, and where they are fetched and shown."""

from __future__ import annotations

import strawberry

from gateway.mail.content_links import ContentLink, Wanted, content_url
from gateway.mail.mail_content import MailContent
from gateway.mail.message import MessageRef
from service.graph.contents import Content
from service.graph.context import Context, Info
from service.graph.row import FromValue


@strawberry.type(description="One header of a mail.")
class MailHeader:
    """A name and a value."""

    name: str = strawberry.field(description="Its name as written.")
    value: str = strawberry.field(description="Its value, unfolded and decoded.")


@strawberry.type(description="A mail as it went out or came in.")
class MessageContent(FromValue[Content]):
    """Of one message."""

    size: int = strawberry.field(description="The whole mail's size in bytes.")
    inexact_why: str | None = strawberry.field(description="Why not; null when exact.")

    @strawberry.field(
        description="The HTML part, without our tracking: links lead where the author's did, the pixel is left out; "
        "null when there is none, or above 1 MiB. It is not made safe to show: frame viewUrl for that."
    )
    async def html(self, info: Info) -> str | None:
        """One statement for all mails of a page."""
        return (await self._said(info)).html

    @strawberry.field(
        description="The text part, without our tracking; null when there is none, or above 1 MiB.",
    )
    async def text(self, info: Info) -> str | None:
        """By the same statement."""
        return (await self._said(info)).text

    @strawberry.field(description="Its headers in their order, at most 200.")
    async def headers(self, info: Info) -> list[MailHeader]:
        """By the same statement."""
        return [MailHeader(name=name, value=value) for name, value in (await self._said(info)).headers]

    @strawberry.field(description="SHA-256 of the whole mail, in hex.")
    def sha256(self) -> str:
        """Of the bytes that rawUrl leads to."""
        return self.value.sha256.hex()

    @strawberry.field(
        description="Whether these are the very bytes: kept, or composed again with the hash that was kept of what "
        "went out. DKIM-Signature headers, which sending puts in front, belong to neither."
    )
    def exact(self) -> bool:
        """Where there is no reason why not."""
        return self.value.inexact_why is None

    @strawberry.field(
        description="A page that shows it in a sandbox: no remote loads, no working links, counts as nothing. Signed, "
        "for five minutes, dead when the caller's token is revoked."
    )
    def view_url(self, info: Info) -> str:
        """Frames show it."""
        return link_to(info.context, self.value.ref, Wanted.PAGE)

    @strawberry.field(
        description="The raw mail, message/rfc822, as a download; signed likewise. A mail program that opens it may "
        "fetch its pictures, our pixel among them."
    )
    def raw_url(self, info: Info) -> str:
        """The very bytes."""
        return link_to(info.context, self.value.ref, Wanted.RAW)

    async def _said(self, info: Info) -> MailContent:
        ref = self.value.ref
        return await info.context.loaders.texts.load((ref.customer_id, ref.message_id))


def link_to(context: Context, ref: MessageRef, wanted: Wanted, position: int = 0) -> str:
    """The address of a mail's page, bytes or file, for this caller."""
    deployment = context.deployment
    link = ContentLink(caller=context.actor, ref=ref, wanted=wanted, position=position)
    return content_url(deployment.keyring, deployment.settings.public_url, link, now=context.clock())
