"""One SMTP or LMTP session as a state machine (RFC 5321 4.1.4, RFC 2033). Pure: a line in, a step out.

It never relays: a recipient is one of ours or refused. What drives it sends the replies, reads the content after
DATA and stores it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from gateway.inbound.addresses import Addresses, Rejection
from gateway.inbound.smtp_commands import (
    UNKNOWN_COMMAND,
    Command,
    CommandRefused,
    Parameter,
    Verb,
    read_command,
    read_mail_from,
    read_recipient,
)
from gateway.inbound.store import Envelope, InboundSource


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionLimits:
    """What one connection may do. `max_octets` is INBOUND_MAX_BYTES."""

    max_octets: int
    recipients: int = 100
    """RFC 5321 4.5.3.1.8 asks for at least so many."""
    mails: int = 1000
    """Then the client connects again, so that many senders share the connections there are."""
    errors: int = 20
    """Refused commands and recipients: a client that guesses is sent away."""
    commands_between: int = 200
    """Commands without a mail among them: twice the recipients of one."""


class RefusedFor(StrEnum):
    """Why a command, recipient or mail was not taken, as the metric names it."""

    FOREIGN_DOMAIN = "foreign domain"
    UNKNOWN_RECIPIENT = "unknown recipient"
    TOO_MANY_RECIPIENTS = "too many recipients"
    TOO_LARGE = "too large"
    LINE_ENDING = "line ending"
    COMMAND = "command"
    SESSION_LIMIT = "session limit"
    RATE = "rate"
    CONNECTIONS = "connections"
    MEMORY = "memory"
    DATABASE = "database"
    DISK = "disk"


class Then(StrEnum):
    """What comes after a reply."""

    COMMAND = "command"
    CONTENT = "content"
    STARTTLS = "starttls"
    CLOSE = "close"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What a line leads to. `reply` has no end of its last line; none for STARTTLS, which is replied to by TLS."""

    reply: str
    then: Then = Then.COMMAND
    refused: RefusedFor | None = None


class SmtpSession:
    """The state of one connection. `permit` is asked at each MAIL, with the size that it names."""

    def __init__(
        self,
        *,
        source: InboundSource,
        hostname: str,
        addresses: Addresses,
        limits: SessionLimits,
        offers_tls: bool,
        permit: Callable[[int | None], Step | None] = lambda size: None,
    ) -> None:
        self._source = source
        self._hostname = hostname
        self._addresses = addresses
        self._limits = limits
        self._offers_tls = offers_tls
        self._permit = permit
        self._greeted = False
        self._mails = self._errors = self._commands = 0
        self._reset()

    @property
    def envelopes(self) -> tuple[Envelope, ...]:
        """The present mail's, one a recipient, in the order of RCPT."""
        return tuple(
            Envelope(source=self._source, sender=self._sender, recipient=recipient) for recipient in self._recipients
        )

    @property
    def greeting(self) -> str:
        """The first reply, before any command."""
        return f"220 {self._hostname} {self._source if self._source is InboundSource.LMTP else 'ESMTP'}"

    def obey(self, line: bytes) -> Step:
        """Returns what a command line leads to."""
        try:
            step = self._obey(read_command(line))
        except CommandRefused as refused:
            step = Step(reply=refused.reply, refused=RefusedFor.COMMAND)
        return self._limited(step)

    def end_mail(self, *, stored: bool) -> None:
        """Begin anew after a mail's content, whatever came of it."""
        self._mails += 1
        if stored:
            self._commands = 0
        self._reset()

    def begin_tls(self) -> None:
        """Forget everything that was said in clear (RFC 3207 4.2)."""
        self._greeted = self._offers_tls = False
        self._reset()

    def _reset(self) -> None:
        self._sender: str | None = None
        self._utf8 = False
        self._recipients: list[str] = []

    def _limited(self, step: Step) -> Step:
        self._commands += 1
        if step.reply.startswith("5"):
            self._errors += 1
        if step.then is Then.CLOSE or (
            self._errors <= self._limits.errors and self._commands <= self._limits.commands_between
        ):
            return step
        return Step(
            reply=f"{step.reply}\r\n421 4.7.0 Too many errors or commands without mail, closing",
            then=Then.CLOSE,
            refused=RefusedFor.SESSION_LIMIT,
        )

    def _obey(self, command: Command) -> Step:
        match command.verb:
            case Verb.EHLO | Verb.LHLO | Verb.HELO:
                return self._greet(command)
            case Verb.MAIL:
                return self._mail(command.argument)
            case Verb.RCPT:
                return self._rcpt(command.argument)
            case Verb.DATA:
                return self._data(command.argument)
            case Verb.RSET:
                self._reset()
                return _plain(command, Step(reply="250 2.0.0 Ok"))
            case Verb.NOOP:
                return Step(reply="250 2.0.0 Ok")
            case Verb.QUIT:
                return _plain(command, Step(reply="221 2.0.0 Bye", then=Then.CLOSE))
            case Verb.STARTTLS if self._offers_tls:
                return _plain(command, Step(reply="", then=Then.STARTTLS))
        raise CommandRefused(UNKNOWN_COMMAND)

    def _greet(self, command: Command) -> Step:
        if (command.verb is Verb.LHLO) != (self._source is InboundSource.LMTP):
            raise CommandRefused(f"500 5.5.1 This is {self._source}: say {self._hello} first")
        if not command.argument:
            raise CommandRefused(f"501 5.5.4 Write {command.verb} and your host's name")
        self._reset()
        self._greeted = True
        if command.verb is Verb.HELO:
            return Step(reply=f"250 {self._hostname}")
        lines = [
            self._hostname,
            "PIPELINING",
            f"SIZE {self._limits.max_octets}",
            "8BITMIME",
            Parameter.SMTPUTF8,
            *([Verb.STARTTLS] if self._offers_tls else []),
        ]
        return Step(reply="\r\n".join([*(f"250-{line}" for line in lines), "250 ENHANCEDSTATUSCODES"]))

    @property
    def _hello(self) -> str:
        return Verb.LHLO if self._source is InboundSource.LMTP else Verb.EHLO

    def _mail(self, argument: str) -> Step:
        if not self._greeted:
            raise CommandRefused(f"503 5.5.1 Say {self._hello} first")
        if self._sender is not None:
            raise CommandRefused("503 5.5.1 There is a sender already: RSET first")
        if self._mails >= self._limits.mails:
            reply = "421 4.7.0 That was the last mail of this connection: connect again"
            return Step(reply=reply, then=Then.CLOSE, refused=RefusedFor.SESSION_LIMIT)
        mail = read_mail_from(argument)
        if mail.size is not None and mail.size > self._limits.max_octets:
            return Step(reply=too_large(self._limits.max_octets), refused=RefusedFor.TOO_LARGE)
        if (refused := self._permit(mail.size)) is not None:
            return refused
        self._sender, self._utf8 = mail.sender, mail.utf8
        return Step(reply="250 2.1.0 Ok")

    def _rcpt(self, argument: str) -> Step:
        if self._sender is None:
            raise CommandRefused("503 5.5.1 MAIL comes first")
        recipient = read_recipient(argument, utf8=self._utf8)
        match self._addresses.accepts(recipient):
            case Rejection.FOREIGN_DOMAIN:
                return Step(reply="550 5.7.1 No mail is relayed here", refused=RefusedFor.FOREIGN_DOMAIN)
            case Rejection.UNKNOWN_RECIPIENT:
                return Step(reply="550 5.1.1 There is no such mailbox", refused=RefusedFor.UNKNOWN_RECIPIENT)
        if len(self._recipients) >= self._limits.recipients:
            reply = f"452 4.5.3 A mail has at most {self._limits.recipients} recipients: send it again for the others"
            return Step(reply=reply, refused=RefusedFor.TOO_MANY_RECIPIENTS)
        self._recipients.append(recipient)
        return Step(reply="250 2.1.5 Ok")

    def _data(self, argument: str) -> Step:
        if argument:
            raise CommandRefused("501 5.5.4 DATA stands alone")
        if self._sender is None:
            raise CommandRefused("503 5.5.1 MAIL and RCPT come first")
        if not self._recipients:
            raise CommandRefused("503 5.5.1 No recipient was accepted")
        return Step(reply="354 End with a dot on a line of its own", then=Then.CONTENT)


def _plain(command: Command, step: Step) -> Step:
    """Raises CommandRefused where something follows a command that stands alone."""
    if command.argument:
        raise CommandRefused(f"501 5.5.4 {command.verb} stands alone")
    return step


def too_large(max_octets: int) -> str:
    """Returns the reply to a mail above the limit."""
    return f"552 5.3.4 A mail has at most {max_octets} octets here"
