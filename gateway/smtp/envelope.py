"""An envelope, a server's extensions, and the options of MAIL that follow from both. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.mail.response import Fault, FaultKind, Stage
from gateway.smtp.protocol import is_safe_in_command
from gateway.value import value


@value
class Envelope:
    """One mail for one recipient. `return_path` may be empty; `content` is composed mail with CRLF line ends.

    `smtputf8`: the content's headers need SMTPUTF8 (an address that is not ASCII needs it anyway).
    """

    return_path: str
    recipient: str
    content: bytes
    smtputf8: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """Seconds until a stage's reply is complete, or a piece of the content is sent (RFC 5321 4.5.3.2).

    `connect`, `greeting` and `hello` (EHLO, STARTTLS with its handshake, AUTH: each) are shorter than the RFC asks of
    an MTA: a relay is near, and trying the next one beats five minutes of silence.
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
    """The server of a connection and its extensions. `size_limit` in bytes; None for no limit, or none readable. `dsn`:
    it is to be told which reports are wanted (RFC 3461)."""

    relay: str
    host: str
    tls: str | None
    pipelining: bool
    eight_bit: bool
    smtputf8: bool
    size: bool
    size_limit: int | None
    dsn: bool = False


def mail_options(envelope: Envelope, peer: Peer) -> str | Fault:
    """Returns the options of MAIL for a mail: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531).

    Returns a fault where the server cannot take the mail, which is known before anything is sent.
    """
    options = ""
    if peer.size:
        size, limit = len(envelope.content), peer.size_limit
        if limit is not None and size > limit:
            return _fault(FaultKind.TOO_LARGE, f"The mail has {size} bytes; the server takes at most {limit} (SIZE).")
        options = f" SIZE={size}"
    addresses = envelope.recipient + envelope.return_path
    if not is_safe_in_command(addresses):
        return _fault(FaultKind.ADDRESS_UNUSABLE, "An address holds a control character.")
    utf8, eight_bit = envelope.smtputf8 or not addresses.isascii(), not envelope.content.isascii()
    if utf8 and not peer.smtputf8:
        text = "The address or a header has characters that this server cannot take (it lacks SMTPUTF8)."
        return _fault(FaultKind.SMTPUTF8_UNSUPPORTED, text)
    if eight_bit and not peer.eight_bit:
        return _fault(FaultKind.EIGHT_BIT_UNSUPPORTED, "The mail has 8-bit content, and the server lacks 8BITMIME.")
    return f"{options}{' BODY=8BITMIME' if eight_bit else ''}{' SMTPUTF8' if utf8 else ''}"


def report_options(envelope: Envelope) -> tuple[str, str]:
    """Returns the options of MAIL and RCPT that ask for reports which say whose they are (RFC 3461 4).

    ENVID is the return path's own token, which a report gives back as Original-Envelope-Id also where its way back
    changed; RET=HDRS asks for our headers without the content. ORCPT gives the address back as we wrote it, whatever it
    was rewritten to; it is left out for one that it cannot hold. A success is no news: NOTIFY asks for the rest.
    """
    token = _xtext(envelope.return_path.rpartition("@")[0])
    address = envelope.recipient
    original = f" ORCPT=rfc822;{_xtext(address)}" if address.isascii() else ""
    envelope_id = f" ENVID={token}" if 0 < len(token) <= _LONGEST_ENVID else ""
    return (
        f" RET=HDRS{envelope_id}",
        f" NOTIFY=FAILURE,DELAY{original if len(original) <= _LONGEST_ORCPT else ''}",
    )


_LONGEST_ENVID = 100
_LONGEST_ORCPT = 500
"""Characters (RFC 3461 4.2 and 4.4)."""
_NOT_XTEXT = re.compile(r"[^!-*,-<>-~]")


def _xtext(text: str) -> str:
    """ASCII as a parameter's value may hold it (RFC 3461 4)."""
    return _NOT_XTEXT.sub(lambda found: f"+{ord(found[0]):02X}", text) if _NOT_XTEXT.search(text) else text


def _fault(kind: FaultKind, text: str) -> Fault:
    return Fault(kind=kind, stage=Stage.MAIL, text=text)
