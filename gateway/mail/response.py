"""What a server said during one SMTP transaction (RFC 5321), kept whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.value import value


class Stage(StrEnum):
    """How far a transaction had come when its final reply, or its fault, came. REPORT: the reply was quoted by a
    delivery report, after the transaction."""

    CONNECT = "CONNECT"
    GREETING = "GREETING"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    CONTENT = "CONTENT"
    END_OF_DATA = "END_OF_DATA"
    REPORT = "REPORT"


TRANSACTION_STAGES = tuple(stage for stage in Stage if stage is not Stage.REPORT)
"""Where a reply or fault of our own conversation can come: the verdict rules know these."""


class FaultKind(StrEnum):
    """What broke when there was no reply to read a verdict from."""

    DNS = "DNS"
    CONNECT = "CONNECT"
    TLS = "TLS"
    TIMEOUT = "TIMEOUT"
    DROPPED = "DROPPED"
    PROTOCOL = "PROTOCOL"
    CANCELLED = "CANCELLED"
    TOO_LARGE = "TOO_LARGE"
    SMTPUTF8_UNSUPPORTED = "SMTPUTF8_UNSUPPORTED"
    EIGHT_BIT_UNSUPPORTED = "EIGHT_BIT_UNSUPPORTED"
    ADDRESS_UNUSABLE = "ADDRESS_UNUSABLE"
    NO_RELAY = "NO_RELAY"


@value
class Response:
    """One reply: `code` 200..599, `enhanced` as RFC 3463 text (`5.1.1`) or None, `text` every line, joined by \\n.

    `text` is the server's words without the leading codes of the reply lines; it keeps the enhanced code where
    the server wrote one. At most 64 KiB of what came are kept, never fewer than 4 KiB; controls are escapes (`\\x1b`).
    """

    code: int
    enhanced: str | None
    text: str
    stage: Stage


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A connection's failure, in our words: they stand beside the server's words, never in their place.

    `words` are what the server said that is no SMTP reply, or is not the reply to what was asked; at most 4 KiB.
    """

    kind: FaultKind
    stage: Stage
    text: str
    words: str | None = None


@value
class Exchange:
    """One SMTP transaction for one recipient, whatever came of it. It always ends in a reply or a fault, or both.

    `replies` are the transaction's replies in order (MAIL, RCPT, DATA, end of data), or those of the connection
    that failed before it. `response` is the reply that decides (the first that is not 2xx/3xx, else the last);
    None when the server said nothing. `dot_sent` is true once the end of data may have left this machine: without
    a final reply after that, it is unknown whether the server took the mail.
    """

    replies: tuple[Response, ...]
    response: Response | None
    fault: Fault | None
    stage: Stage
    dot_sent: bool
    relay: str
    host: str | None
    tls: str | None
    started_at: datetime
    took_ms: int

    @property
    def answer(self) -> Response | None:
        """The reply that counts: a refusal, whatever broke behind it, or the reply to the last stage. A go-ahead before
        a fault is no answer: a 354 before a silence, a 250 before the connection broke."""
        reply = self.response
        if reply is None or self.fault is None or reply.code >= 400 or reply.stage is self.stage:
            return reply
        return None
