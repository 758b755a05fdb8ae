"""Parts of a message: responses of servers, attempts, copies, delivery reports, files, what a received mail says."""

from __future__ import annotations

from datetime import datetime

import strawberry
from asyncpg import Record

from gateway.mail.content_links import Wanted
from gateway.mail.correspondence import AuthorKind
from gateway.mail.delivery_status import ReportAction
from gateway.mail.file_links import FileLink, file_url
from gateway.mail.message import ICON_COLORS, CopyRole, MessageRef, Status
from gateway.mail.response import Stage
from gateway.mail.source import ColorHint
from gateway.mail.verdict import Cause, Outcome
from service.graph.content import link_to
from service.graph.context import Info
from service.graph.loaders import MessageKey
from service.graph.node import Node, history_global_id, history_id_sql
from service.graph.row import FromRow
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


def response_of(row: FromRow) -> ServerResponse | None:
    return ServerResponse.of(row.row) if row.row["code"] is not None else None


def cause_of(row: FromRow) -> Cause | None:
    found: Cause | None = row.row["cause"] if row.row["decided_at"] else row.row["attempt_cause"]
    return found


def advice_of(row: FromRow) -> str | None:
    found: str | None = row.row["advice"] if row.row["decided_at"] else row.row["attempt_advice"]
    return found


@strawberry.type(
    description="What a mail system reported of one recipient after the server had taken the mail (RFC 3464)."
)
class DeliveryReport(FromRow, Node):
    """Over a row of delivery_report (SQL alias d)."""

    @strawberry.field(
        description="The id, unique over all types; `believeReport` takes it.",
        metadata=column(history_id_sql("DeliveryReport", "d")),
    )
    def id(self) -> strawberry.ID:
        """Global id."""
        return history_global_id("DeliveryReport", self.row["customer_id"], self.row["id"])

    action: ReportAction = strawberry.field(
        description="What it reports; only FAILED is failure.", metadata=column("d.action")
    )
    received_at: datetime = strawberry.field(
        description="When it was read, moments after it came.", metadata=column("uuid_extract_timestamp(d.id)")
    )
    verified: bool = strawberry.field(
        description="Whether a token of ours, or a person, vouches for it: only then it changes a status or suppresses "
        "an address.",
        metadata=column("d.verified"),
    )
    status_code: str | None = strawberry.field(
        description="The status code (RFC 3463); null when the report has none.", metadata=column("d.status_code")
    )
    words: str | None = strawberry.field(
        name="text", description="The words of the report, whole; null once erased.", metadata=column("d.words")
    )
    reported_by: str | None = strawberry.field(
        description="The server that reports; null when it does not say.", metadata=column("d.reported_by")
    )
    host: str | None = strawberry.field(
        description="The server that refused; null when the report names none.", metadata=column("d.host")
    )
    cause: Cause | None = strawberry.field(description="Why, as our rules read it.", metadata=column("d.cause"))


def newest_failure(recipient: str) -> str:
    """The newest failure report of a message's recipient, as a source of rows."""
    return f"delivery_report d where {recipient} and d.action = 'FAILED' order by d.id desc limit 1"


async def failure_of(info: Info, key: MessageKey, recipient: int) -> DeliveryReport | None:
    """The same, by one statement for all rows of a page."""
    found = await info.context.loaders.failures.load(key)
    return next((DeliveryReport.of(row) for row in found if row["recipient_no"] == recipient), None)


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
        return cause_of(self)

    @strawberry.field(
        description="What to do about it, in plain words.",
        metadata=column(unless_decided("r", "advice", LAST_ATTEMPT_OF_COPY)),
    )
    def advice(self) -> str | None:
        """Of the outcome, else of the last attempt."""
        return advice_of(self)

    @strawberry.field(
        description="The last answer to this copy; null when no server has answered.",
        metadata=first_of(LAST_ATTEMPT_OF_COPY, when="a.code is not null"),
    )
    def response(self) -> ServerResponse | None:
        """The same row."""
        return response_of(self)

    @strawberry.field(
        description="The newest failure report of this copy; null when none came.",
        metadata=first_of(
            newest_failure(
                "d.customer_id = r.customer_id and d.message_id = r.message_id and d.recipient_no = r.recipient_no"
            )
        ),
    )
    async def report(self, info: Info) -> DeliveryReport | None:
        """One statement for all copies of a page."""
        return await failure_of(info, (self.row["customer_id"], self.row["message_id"]), self.row["recipient_no"])


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
        return response_of(self)

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
        return await copy_of(info, self.row)


COPY_OF_EVENT = (
    "copy r where r.customer_id = e.customer_id and r.message_id = e.message_id and r.recipient_no = e.recipient_no"
)
ATTEMPT_OF_EVENT = (
    "attempt a where a.customer_id = e.customer_id and a.message_id = e.message_id"
    " and a.recipient_no = e.recipient_no and a.number = e.attempt"
)
REPORT_OF_EVENT = "delivery_report d where d.customer_id = e.customer_id and d.id = e.id"


async def copy_of(info: Info, row: Record) -> CopyRecipient | None:
    """The copy that a row is about, by its number; None when it is about the To recipient."""
    if row["recipient_no"] == 0:
        return None
    for copy in await info.context.loaders.copies.load((row["customer_id"], row["message_id"])):
        if copy["recipient_no"] == row["recipient_no"]:
            return CopyRecipient.of(copy)
    return None


@strawberry.type(description="A file that came with a message.")
class MessageAttachment(FromRow):
    """Over a row of message_attachment (SQL alias f)."""

    name: str = strawberry.field(description="Its file name.", metadata=column("f.name"))
    media_type: str = strawberry.field(description="Its media type (RFC 6838).", metadata=column("f.media_type"))
    size: int = strawberry.field(description="Its size in bytes.", metadata=column("f.size"))

    sha256: str | None = strawberry.field(
        description="SHA-256 of its bytes, in hex; null of received files that came before it was kept.",
        metadata=column("encode(coalesce(f.sha256, f.part_sha256), 'hex')"),
    )

    @strawberry.field(
        description="Where it can be fetched without a token or a session, always as a download: signed, for five "
        "minutes. Of sent mail null to callers who may not see it, and dead when the caller's token is revoked."
    )
    def url(self, info: Info) -> str | None:
        """No SQL: the key is not PostgreSQL's."""
        ref = MessageRef(customer_id=self.row["customer_id"], message_id=self.row["message_id"])
        context, position = info.context, self.row["position"]
        if self.row["part"] is None:
            return link_to(context, ref, Wanted.FILE, position) if context.sees_content else None
        link, deployment = FileLink(ref=ref, position=position), context.deployment
        return file_url(deployment.keyring, deployment.settings.public_url, link, now=context.clock())


class OfMessage(FromRow):
    """Over a message row (SQL alias m, and o, w, c, v beside it)."""

    @property
    def key(self) -> MessageKey:
        """The message's key."""
        return self.row["customer_id"], self.row["id"]


@strawberry.type(description="What a received mail says and who says so.")
class ReceivedMail(FromRow):
    """Over a row of received_mail (SQL alias y)."""

    from_address: str | None = strawberry.field(
        name="from", description="The address of its From; null when it names none.", metadata=column("y.from_address")
    )
    from_name: str | None = strawberry.field(
        description="The display name of its From.", metadata=column("y.from_name")
    )
    author: AuthorKind = strawberry.field(
        description="Who that is, as far as can be known.", metadata=column("y.author")
    )
    body: str = strawberry.field(
        name="text",
        description="What was written anew, as plain text, quoted history cut off; at most 256 KiB.",
        metadata=column("y.body"),
    )
    quoted: str | None = strawberry.field(
        name="quotedText",
        description="The quoted history, as plain text; null when there is none.",
        metadata=column("y.quoted"),
    )
    cut: bool = strawberry.field(description="Whether the text was cut at its limit.", metadata=column("y.cut"))
    automatic: bool = strawberry.field(
        description="Whether a machine wrote it (RFC 3834).", metadata=column("y.automatic")
    )
    authentication: str | None = strawberry.field(
        description="What a trusted receiving server says of SPF, DKIM and DMARC (RFC 8601); null when none does.",
        metadata=column("y.authentication"),
    )
    forwarded_at: datetime | None = strawberry.field(
        description="When it was forwarded to the sender's staff mailbox; null when it was not.",
        metadata=column("y.forwarded_at"),
    )

    @strawberry.field(
        description="The files that came with it, as `message.attachments`.",
        metadata=rows_of(
            "message_attachment f where f.customer_id = y.customer_id and f.message_id = y.message_id"
            " order by f.position"
        ),
    )
    async def attachments(self, info: Info) -> list[MessageAttachment]:
        """One statement for all rows of a page."""
        key = (self.row["customer_id"], self.row["message_id"])
        return [MessageAttachment.of(row) for row in await info.context.loaders.attachments.load(key)]


RECEIVED = (
    "received_mail y where y.customer_id = m.customer_id and y.message_id = m.id"
    " and (y.body <> '' or y.quoted is not null or y.from_address is not null)"
)
