"""What is known of one message: its status, every response of a server, copies, events, files, and its preview."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.mail.message import ICON_COLORS, CopyRole, EventKind, Status
from gateway.mail.response import Stage
from gateway.mail.source import ColorHint
from gateway.mail.verdict import Cause, Outcome
from service.graph.context import Info
from service.graph.loaders import MessageKey, existing_row
from service.graph.node import Node, history_global_id, history_id_sql
from service.graph.row import FromRow
from service.graph.scalars import Json
from service.graph.template import EmailPreview
from service.shape.field import case_of, column, first_of, rows_of, same_row

STATUS = "shown_status(m.status, o.message_id, o.handed_off_at, o.attempt)"
ICON_COLOR = case_of(STATUS, ICON_COLORS)
LAST_ATTEMPT = (
    "attempt a where a.customer_id = m.customer_id and a.message_id = m.id and a.recipient_no = 0"
    " order by a.number desc limit 1"
)
LAST_ATTEMPT_OF_COPY = (
    "attempt a where a.customer_id = r.customer_id and a.message_id = r.message_id"
    " and a.recipient_no = r.recipient_no order by a.number desc limit 1"
)
COPY_STATUS = (
    "(select z.status from copy_state z where z.customer_id = r.customer_id and z.message_id = r.message_id"
    " and z.recipient_no = r.recipient_no)"
)


def unless_decided(alias: str, name: str, attempt: str) -> str:
    """A column of the outcome, or while there is none that of the last attempt."""
    return f"case when {alias}.decided_at is not null then {alias}.{name} else (select a.{name} from {attempt}) end"  # noqa: S608 - constants of this file


def icon_color(status: str) -> ColorHint:
    """The colour of the info icon, from the one mapping."""
    return ICON_COLORS[Status(status)]


@strawberry.type(description="What a mail server said, whole and in its own words.")
class ServerResponse(FromRow):
    """Over a row of attempt (SQL alias a) whose code is not null."""

    code: int = strawberry.field(description="The reply code (RFC 5321).", metadata=column("a.code"))
    enhanced: str | None = strawberry.field(
        name="enhancedCode", description="The enhanced status code (RFC 3463).", metadata=column("a.enhanced")
    )
    response: str | None = strawberry.field(
        name="text", description="Every line of the reply; null once erased.", metadata=column("a.response")
    )
    stage: Stage = strawberry.field(description="What it answered.", metadata=column("a.stage"))
    tls: str | None = strawberry.field(
        description="The TLS version of the connection; null in clear.", metadata=column("a.tls")
    )

    @strawberry.field(description="The host that said it.", metadata=column("coalesce(a.host, a.relay)"))
    def host(self) -> str:
        """The relay's name where the host is not known."""
        return str(self.row["host"] or self.row["relay"])


def _response(row: FromRow) -> ServerResponse | None:
    return ServerResponse.of(row.row) if row.row["code"] is not None else None


def _cause(row: FromRow) -> Cause | None:
    found: Cause | None = row.row["cause"] if row.row["decided_at"] else row.row["attempt_cause"]
    return found


def _advice(row: FromRow) -> str | None:
    found: str | None = row.row["advice"] if row.row["decided_at"] else row.row["attempt_advice"]
    return found


@strawberry.type(description="Somebody besides the customer who gets the same mail, with an outcome of their own.")
class CopyRecipient(FromRow):
    """Over a row of copy (SQL alias r)."""

    role: CopyRole = strawberry.field(description="CC or BCC.", metadata=column("r.role"))
    address: str = strawberry.field(description="Where the copy goes.", metadata=column("r.address"))
    name: str | None = strawberry.field(description="Whose address it is.", metadata=column("r.name"))
    status: Status = strawberry.field(description="Where this copy is in its life.", metadata=column(COPY_STATUS))
    sent_at: datetime | None = strawberry.field(description="When the server took it.", metadata=column("r.sent_at"))

    @strawberry.field(description="The colour of this copy's icon.", metadata=column(case_of(COPY_STATUS, ICON_COLORS)))
    def color_hint(self) -> ColorHint:
        """By status."""
        return icon_color(self.row["status"])

    @strawberry.field(
        description="Why it is not there, or not yet.",
        metadata=column(unless_decided("r", "cause", LAST_ATTEMPT_OF_COPY)),
    )
    def cause(self) -> Cause | None:
        """Of the outcome, else of the last attempt."""
        return _cause(self)

    @strawberry.field(
        description="What to do about it, in plain words.",
        metadata=column(unless_decided("r", "advice", LAST_ATTEMPT_OF_COPY)),
    )
    def advice(self) -> str | None:
        """Of the outcome, else of the last attempt."""
        return _advice(self)

    @strawberry.field(
        description="The last answer to this copy; null when no server has answered.",
        metadata=first_of(LAST_ATTEMPT_OF_COPY, when="a.code is not null"),
    )
    def response(self) -> ServerResponse | None:
        """The same row."""
        return _response(self)


@strawberry.type(description="One SMTP transaction for one recipient of a message.")
class DeliveryAttempt(FromRow):
    """Over a row of attempt (SQL alias a)."""

    number: int = strawberry.field(description="1 is this recipient's first.", metadata=column("a.number"))
    started_at: datetime = strawberry.field(description="When it began.", metadata=column("a.started_at"))
    took_ms: int = strawberry.field(description="How long it took, in milliseconds.", metadata=column("a.took_ms"))
    verdict: Outcome = strawberry.field(description="What became of it.", metadata=column("a.verdict"))
    cause: Cause | None = strawberry.field(description="Why, when it was not accepted.", metadata=column("a.cause"))
    advice: str | None = strawberry.field(
        description="What to do about it, in plain words.", metadata=column("a.advice")
    )
    stage: Stage = strawberry.field(description="How far it came.", metadata=column("a.stage"))
    relay: str = strawberry.field(description="The relay it went by.", metadata=column("a.relay"))
    host: str | None = strawberry.field(
        description="The host that was spoken to; null when there was no connection.", metadata=column("a.host")
    )
    tls: str | None = strawberry.field(
        description="The TLS version of the connection; null in clear.", metadata=column("a.tls")
    )

    @strawberry.field(
        description="What the server said; null when it said nothing.", metadata=same_row(when="a.code is not null")
    )
    def response(self) -> ServerResponse | None:
        """The same row."""
        return _response(self)

    @strawberry.field(
        description="What the server said that is no SMTP reply (RFC 5321 4.2), at most 4 KiB; null otherwise.",
        metadata=column("case when a.code is null then a.response end"),
    )
    def unreadable_reply(self) -> str | None:
        """Kept as the server's words where no code could be read."""
        found: str | None = self.row["response"] if self.row["code"] is None else None
        return found

    @strawberry.field(
        description="The copy it was for; null when it was for the customer.",
        metadata=first_of(
            "copy r where r.customer_id = a.customer_id and r.message_id = a.message_id"
            " and r.recipient_no = a.recipient_no"
        ),
    )
    async def copy(self, info: Info) -> CopyRecipient | None:
        """By its number."""
        if self.row["recipient_no"] == 0:
            return None
        key = (self.row["customer_id"], self.row["message_id"])
        for row in await info.context.loaders.copies.load(key):
            if row["recipient_no"] == self.row["recipient_no"]:
                return CopyRecipient.of(row)
        return None


@strawberry.type(description="What happened to a message besides attempts.")
class MessageEvent(FromRow):
    """Over a row of event (SQL alias e)."""

    kind: EventKind = strawberry.field(description="What happened.", metadata=column("e.kind"))
    occurred_at: datetime = strawberry.field(description="When.", metadata=column("uuid_extract_timestamp(e.id)"))
    actor: str = strawberry.field(
        name="by", description="Who: gateway, customer, or the name of a token or person.", metadata=column("e.actor")
    )
    data: Json | None = strawberry.field(name="detail", description="On what evidence; its shape depends on the kind.")


@strawberry.type(description="A file that came with a message.")
class MessageAttachment(FromRow):
    """Over a row of message_attachment (SQL alias f)."""

    name: str = strawberry.field(description="Its file name.", metadata=column("f.name"))
    media_type: str = strawberry.field(description="Its media type (RFC 6838).", metadata=column("f.media_type"))
    size: int = strawberry.field(description="Its size in bytes.", metadata=column("f.size"))


class OfMessage(FromRow):
    """Over a message row (SQL alias m, and o, w, c, v beside it)."""

    @property
    def key(self) -> MessageKey:
        """The message's key."""
        return self.row["customer_id"], self.row["id"]


@strawberry.type(description="What the info icon tells: status, recipients, every answer, a preview of the template.")
class EmailInfo(OfMessage, Node):
    """The popover of lists 1 and 3."""

    @strawberry.field(
        description="The id, unique over all types: EmailInfo_ and what follows Message_ in the message's.",
        metadata=column(history_id_sql("EmailInfo")),
    )
    def id(self) -> strawberry.ID:
        """Global id."""
        return history_global_id("EmailInfo", *self.key)

    status: Status = strawberry.field(description="Where the mail is in its life.", metadata=column(STATUS))
    sender: str | None = strawberry.field(
        name="from", description="The From address; null once erased.", metadata=column("m.sender")
    )
    recipient: str | None = strawberry.field(
        name="to", description="The To address; null once erased.", metadata=column("m.recipient")
    )
    sent_at: datetime | None = strawberry.field(
        description="When the server took it; null while it has not.", metadata=column("m.sent_at")
    )
    decided_at: datetime | None = strawberry.field(
        description="When its outcome was known; null before.", metadata=column("m.decided_at")
    )
    tracked: bool = strawberry.field(
        description="Whether opens and clicks of it are recorded: no opens are known of mail that is not tracked.",
        metadata=column("m.tracked"),
    )
    next_attempt_at: datetime | None = strawberry.field(
        description="When it is due; null when it does not wait.", metadata=column("w.next_attempt_at")
    )
    waits_for: str | None = strawberry.field(
        description="What it waits for, in plain words.", metadata=column("w.waits_for")
    )

    @strawberry.field(description="The colour of the info icon.", metadata=column(ICON_COLOR))
    def color_hint(self) -> ColorHint:
        """By status."""
        return icon_color(self.row["status"])

    @strawberry.field(
        description="Why it is not there, or not yet.",
        metadata=column(unless_decided("m", "cause", LAST_ATTEMPT)),
    )
    def cause(self) -> Cause | None:
        """Of the outcome, else of the last attempt."""
        return _cause(self)

    @strawberry.field(
        description="What to do about it, in plain words.",
        metadata=column(unless_decided("m", "advice", LAST_ATTEMPT)),
    )
    def advice(self) -> str | None:
        """Of the outcome, else of the last attempt."""
        return _advice(self)

    @strawberry.field(
        description="The last answer to the To recipient; null when no server has answered.",
        metadata=first_of(LAST_ATTEMPT, when="a.code is not null"),
    )
    def response(self) -> ServerResponse | None:
        """The message's row holds the last attempt."""
        return _response(self)

    @strawberry.field(
        description="CC and BCC recipients.",
        metadata=rows_of("copy r where r.customer_id = m.customer_id and r.message_id = m.id order by r.recipient_no"),
    )
    async def copies(self, info: Info) -> list[CopyRecipient]:
        """One statement for all rows of a page."""
        return [CopyRecipient.of(row) for row in await info.context.loaders.copies.load(self.key)]

    @strawberry.field(
        description="Every SMTP transaction: the To recipient's first, then the copies', each in order.",
        metadata=rows_of(
            "attempt a where a.customer_id = m.customer_id and a.message_id = m.id order by a.recipient_no, a.number"
        ),
    )
    async def attempts(self, info: Info) -> list[DeliveryAttempt]:
        """One statement for all rows of a page."""
        return [DeliveryAttempt.of(row) for row in await info.context.loaders.attempts.load(self.key)]

    @strawberry.field(
        description="What else happened, oldest first.",
        metadata=rows_of("event e where e.customer_id = m.customer_id and e.message_id = m.id order by e.id"),
    )
    async def events(self, info: Info) -> list[MessageEvent]:
        """One statement for all rows of a page."""
        return [MessageEvent.of(row) for row in await info.context.loaders.events.load(self.key)]

    @strawberry.field(
        description="The template it was made from, with sample data; null for received mail.",
        metadata=same_row(when="v.id is not null"),
    )
    async def preview(self, info: Info) -> EmailPreview | None:
        """One statement for all versions of a page."""
        version = self.row["template_version_id"]
        return EmailPreview.of(await existing_row(info.context.loaders.previews, version)) if version else None
