"""What is to be sent and to whom it is given: an envelope, the server's abilities, and whether they fit. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.mail.response import Fault, FaultKind, Stage
from gateway.smtp.protocol import fits_a_command
from gateway.value import value


@value
class Envelope:
    """One mail for one recipient. `return_path` may be empty; `content` is composed mail, lines ended by CRLF.

    `smtputf8`: the content's headers need SMTPUTF8 (an address that is not ASCII needs it anyway).
    """

    return_path: str
    recipient: str
    content: bytes
    smtputf8: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """Seconds a stage may take until its reply is whole, or until a piece of the content has left (RFC 5321 4.5.3.2).

    `connect`, `greeting`, `hello` (EHLO, STARTTLS with its handshake, AUTH: each) have shorter defaults than the RFC
    asks of an MTA: a relay is near, and the next one in line is better than five minutes of silence.
    """

    connect: float = 30.0
    greeting: float = 60.0
    hello: float = 60.0
    mail: float = 300.0
    rcpt: float = 300.0
    data: float = 120.0
    content: float = 180.0
    end_of_data: float = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """Who a conversation is with, and what it said it can do. `size_limit` in bytes; None: none, or none readable."""

    relay: str
    host: str
    tls: str | None
    pipelining: bool
    eight_bit: bool
    smtputf8: bool
    size: bool
    size_limit: int | None


def declared(envelope: Envelope, peer: Peer) -> str | Fault:
    """What MAIL declares of a mail: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531).

    A fault where this server cannot be given the mail: known before a byte of it is sent.
    """
    options = ""
    if peer.size:
        size, limit = len(envelope.content), peer.size_limit
        if limit is not None and size > limit:
            return _fault(FaultKind.TOO_LARGE, f"The mail has {size} bytes; the server takes at most {limit} (SIZE).")
        options = f" SIZE={size}"
    addresses = envelope.recipient + envelope.return_path
    if not fits_a_command(addresses):
        return _fault(FaultKind.ADDRESS_UNUSABLE, "An address holds a control character.")
    utf8, eight_bit = envelope.smtputf8 or not addresses.isascii(), not envelope.content.isascii()
    if utf8 and not peer.smtputf8:
        text = "The address or a header has characters that this server cannot take (it lacks SMTPUTF8)."
        return _fault(FaultKind.SMTPUTF8_UNSUPPORTED, text)
    if eight_bit and not peer.eight_bit:
        return _fault(FaultKind.EIGHT_BIT_UNSUPPORTED, "The mail has 8-bit content, and the server lacks 8BITMIME.")
    return f"{options}{' BODY=8BITMIME' if eight_bit else ''}{' SMTPUTF8' if utf8 else ''}"


def _fault(kind: FaultKind, text: str) -> Fault:
    return Fault(kind=kind, stage=Stage.MAIL, text=text)
