"""The arguments of MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3), read in one pass over a line whose length is limited."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from gateway.errors import GatewayError

_QUOTED = r'"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*"'
_ROUTE = r"(?:@[^<>:\s]*:)?"
_DOMAIN = r'[^\s<>@"\\\x00-\x1f\x7f]+'
_RECIPIENT = re.compile(rf'<{_ROUTE}((?:{_QUOTED}|[^\s<>@"\\\x00-\x1f\x7f]+)(?:@{_DOMAIN})?)>(?:\s+(.*))?')
# What its sender is called is only kept: a name without a domain, or one that breaks the rules, is no reason to refuse.
_SENDER = re.compile(rf"<{_ROUTE}({_QUOTED}@{_DOMAIN}|[^<>\s\x00-\x1f\x7f]*)>(?:\s+(.*))?")
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e]+))?")
_CONTROLS = re.compile(rb"[\x00-\x1f\x7f]")
_LONGEST_SIZE = 20
"""Digits (RFC 1870 4)."""
UNKNOWN_COMMAND = "502 5.5.1 There is no such command here"
LONGEST_PATH = 512
"""Octets of an address: RFC 5321 4.5.3.1.3 has 256, and letters beyond ASCII take more."""


class Verb(StrEnum):
    """The commands that are obeyed; LHLO is LMTP's."""

    EHLO = "EHLO"
    HELO = "HELO"
    LHLO = "LHLO"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    RSET = "RSET"
    NOOP = "NOOP"
    QUIT = "QUIT"
    STARTTLS = "STARTTLS"


class Parameter(StrEnum):
    """What may follow the sender (RFC 1870, 6152, 6531)."""

    SIZE = "SIZE"
    BODY = "BODY"
    SMTPUTF8 = "SMTPUTF8"


class CommandRefused(GatewayError):
    """A command that is not obeyed. `reply` is what the client is told."""

    def __init__(self, reply: str) -> None:
        super().__init__(reply)
        self.reply = reply


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A command and what follows it."""

    verb: Verb
    argument: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MailFrom:
    """What MAIL says. `sender` is empty for the null sender, `size` what the mail is said to have, in octets."""

    sender: str
    size: int | None
    utf8: bool


def read_command(line: bytes) -> Command:
    """Read a command line without its end. Raises CommandRefused."""
    if _CONTROLS.search(line):
        raise CommandRefused("500 5.5.2 No control characters, please")
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise CommandRefused("500 5.5.2 That is not UTF-8") from None
    verb, _, argument = text.partition(" ")
    try:
        return Command(verb=Verb(verb.upper()), argument=argument.strip(" "))
    except ValueError:
        raise CommandRefused(UNKNOWN_COMMAND) from None


def read_mail_from(argument: str) -> MailFrom:
    """Read what follows MAIL. Raises CommandRefused."""
    sender, rest = _path(argument, "FROM:", _SENDER)
    parameters = _parameters(rest)
    size, utf8 = _size(parameters.pop(Parameter.SIZE, None)), Parameter.SMTPUTF8 in parameters
    if parameters.pop(Parameter.SMTPUTF8, ""):
        raise CommandRefused("501 5.5.4 SMTPUTF8 has no value")
    if parameters.pop(Parameter.BODY, "7BIT").upper() not in ("7BIT", "8BITMIME"):
        raise CommandRefused("501 5.5.4 BODY is 7BIT or 8BITMIME")
    if parameters:
        raise CommandRefused("555 5.5.4 MAIL has SIZE, BODY and SMTPUTF8 here, nothing else")
    _check_ascii(sender, utf8=utf8)
    return MailFrom(sender=sender, size=size, utf8=utf8)


def read_recipient(argument: str, *, utf8: bool) -> str:
    """Read what follows RCPT: the address, its source route left out (RFC 5321 C). Raises CommandRefused."""
    recipient, rest = _path(argument, "TO:", _RECIPIENT)
    if _parameters(rest):
        raise CommandRefused("555 5.5.4 RCPT has no parameters here")
    _check_ascii(recipient, utf8=utf8)
    return recipient


def _path(argument: str, keyword: str, form: re.Pattern[str]) -> tuple[str, str]:
    if argument[: len(keyword)].upper() != keyword:
        raise CommandRefused(f"501 5.5.4 Write {keyword}<address>")
    match = form.fullmatch(argument[len(keyword) :].strip(" "))
    if match is None or len(match[1].encode()) > LONGEST_PATH:
        raise CommandRefused("501 5.1.3 That is no address: write <local-part@domain>")
    return match[1], match[2] or ""


def _parameters(text: str) -> dict[str, str]:
    """Returns them by name; the value is empty where there is none. Raises CommandRefused."""
    found: dict[str, str] = {}
    for word in text.split():
        match = _PARAMETER.fullmatch(word)
        if match is None or match[1].upper() in found:
            raise CommandRefused("501 5.5.4 A parameter is malformed or stands there twice")
        found[match[1].upper()] = match[2] or ""
    return found


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or len(text) > _LONGEST_SIZE:
        raise CommandRefused("501 5.5.4 SIZE is a number of octets")
    return int(text)


def _check_ascii(address: str, *, utf8: bool) -> None:
    if not utf8 and not address.isascii():
        raise CommandRefused("553 5.6.7 An address beyond ASCII needs SMTPUTF8")
