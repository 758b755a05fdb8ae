"""The few commands of IMAP (RFC 3501, IDLE by RFC 2177) that reading a folder needs, over one connection.

The folder is opened by EXAMINE and mail is fetched by BODY.PEEK[]: nothing in the mailbox changes. Any failure leaves
the connection unusable; the caller opens another.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from gateway.errors import GatewayError
from gateway.settings import ImapMailbox

COMMAND_SECONDS = 120.0
"""For a command: a search of a large folder on a busy server takes a minute."""
MAIL_SECONDS = 600.0
"""For one mail: 25 MiB at 45 KB/s."""
MAX_LINE = 8 * 1024 * 1024
"""Octets: the answer to a search is one line, of a million mails 8 MB."""
_MAX_TOLD = 10_000
"""Responses kept of one command: a batch of the caller's has some hundred."""
_MAX_SHORT_LITERAL = 65_536
"""Octets of a literal that is no mail."""


class MailboxUnavailable(GatewayError):
    """The mail server cannot be reached, hung up, or said what we cannot read: try again later."""


class MailboxRefused(GatewayError):
    """The server refuses user, password or folder, or has a certificate that is not its own: a person must act."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """A folder as it was opened. UIDs mean something under one `uid_validity` only (RFC 3501 2.3.1.1)."""

    uid_validity: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Response:
    """One response of the server: its lines without line ends and literals, and the literals in order."""

    text: bytes
    literals: tuple[bytes, ...] = ()


class ImapClient:
    """A connection to a mail server; one command at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._number = 0
        self._capabilities: frozenset[str] = frozenset()
        self.arrivals = 0
        """How often the server has said how many mails there are, as it does when one comes. It says so in the answer
        to any command, and once only."""

    @property
    def can_idle(self) -> bool:
        """Whether the server tells of new mail by itself."""
        return "IDLE" in self._capabilities

    async def log_in(self, mailbox: ImapMailbox) -> None:
        """Take the greeting and log in. Raises MailboxRefused, MailboxUnavailable."""
        async with _limited(COMMAND_SECONDS):
            greeting = await self._read()
            if not greeting.text.startswith(b"* OK"):
                raise MailboxUnavailable("the server does not greet as an IMAP server that takes users")
            await self._command("CAPABILITY")
            if "AUTH=PLAIN" in self._capabilities:
                plain = b64encode(f"\0{mailbox.username}\0{mailbox.password}".encode()).decode()
                status = await self._begin("AUTHENTICATE PLAIN", then=plain)
            elif "LOGINDISABLED" in self._capabilities:
                raise MailboxRefused("the server takes no password here: it may want TLS, or OAuth, which we lack")
            else:
                status = await self._begin(f"LOGIN {_quoted(mailbox.username)} {_quoted(mailbox.password)}")
            _refuse(status, "the server refuses user or password")
            await self._command("CAPABILITY")  # it may offer more after the login

    async def open_folder(self, name: str) -> Folder:
        """Open a folder for reading only. Raises MailboxRefused when there is none, MailboxUnavailable."""
        async with _limited(COMMAND_SECONDS):
            told: list[_Response] = []
            status = await self._begin(f"EXAMINE {_quoted(modified_utf7(name))}", keep=b"OK", told=told)
            _refuse(status, "the server refuses the folder")
            for response in told:
                if found := _UID_VALIDITY.search(response.text):
                    return Folder(uid_validity=int(found[1]))
        raise MailboxUnavailable("the server does not say the folder's UIDVALIDITY")

    async def uids_from(self, first: int) -> list[int]:
        """Returns the UIDs of the folder from `first` on, in order."""
        async with _limited(COMMAND_SECONDS):
            told = await self._command(f"UID SEARCH UID {first}:*", keep=b"SEARCH")
        # `first:*` always holds the last mail, whatever its UID
        numbers = (word for response in told for word in response.text.split()[2:] if word.isdigit())
        return sorted({uid for uid in map(int, numbers) if uid >= first})

    async def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Returns the size of each mail in octets; a mail that is gone is left out."""
        async with _limited(COMMAND_SECONDS):
            told = await self._command(f"UID FETCH {','.join(map(str, uids))} (UID RFC822.SIZE)", keep=b"FETCH")
        found = ((_UID.search(response.text), _SIZE.search(response.text)) for response in told)
        return {int(uid[1]): int(size[1]) for uid, size in found if uid and size}

    async def mail(self, uid: int, limit: int) -> bytes | None:
        """Returns the first `limit` octets of a mail; None when it is gone."""
        async with _limited(MAIL_SECONDS):
            told = await self._command(
                f"UID FETCH {uid} (UID BODY.PEEK[]<0.{limit}>)", keep=b"FETCH", max_literal=limit
            )
        for response in told:
            named = _UID.search(response.text)
            if named and int(named[1]) == uid and (body := _BODY.search(response.text)):
                return response.literals[0] if response.literals else _unquoted(body["quoted"])
        return None

    async def check(self) -> None:
        """Ask for news, which count as `arrivals`."""
        async with _limited(COMMAND_SECONDS):
            await self._command("NOOP")

    async def idle(self, seconds: float, arrivals: int) -> None:
        """Return when more than these `arrivals` were told, or after `seconds`."""
        tag = self._next_tag()
        async with _limited(COMMAND_SECONDS):
            await self._send(f"{tag} IDLE")
            await self._until_continued(tag)
        async with _limited(seconds + COMMAND_SECONDS):
            deadline = asyncio.get_running_loop().time() + seconds
            while self.arrivals == arrivals and (line := await self._line_before(deadline)) is not None:
                self._note(await self._whole(line, _MAX_SHORT_LITERAL))
            await self._send("DONE")
            await self._until_done(tag)

    async def close(self) -> None:
        """Hang up at once."""
        self._writer.transport.abort()
        with suppress(OSError, EOFError):
            await self._writer.wait_closed()

    # The protocol -----------------------------------------------------------------------------------------------

    async def _command(self, text: str, *, keep: bytes = b"", max_literal: int = _MAX_SHORT_LITERAL) -> list[_Response]:
        told: list[_Response] = []
        status = await self._begin(text, keep=keep, told=told, max_literal=max_literal)
        if not status.startswith(b"OK"):
            raise MailboxUnavailable(f"the server answers {text.split()[0]} {_code(status)}")
        return told

    async def _begin(
        self,
        text: str,
        *,
        then: str | None = None,
        keep: bytes = b"",
        told: list[_Response] | None = None,
        max_literal: int = _MAX_SHORT_LITERAL,
    ) -> bytes:
        """Send a command, `then` when the server asks for it; returns the tagged status."""
        tag = self._next_tag()
        await self._send(f"{tag} {text}")
        if then is not None:
            if refused := await self._until_continued(tag, raising=False):
                return refused
            await self._send(then)
        return await self._until_done(tag, keep=keep, told=told, max_literal=max_literal)

    async def _until_continued(self, tag: str, *, raising: bool = True) -> bytes | None:
        """Read up to the server's `+`; returns None, or the status where it ended the command instead."""
        while True:
            response = await self._read()
            if response.text.startswith(b"+"):
                return None
            if response.text.startswith(tag.encode() + b" "):
                if raising:
                    raise MailboxUnavailable(f"the server refuses a command: {_code(response.text)}")
                return response.text.partition(b" ")[2].upper()
            self._note(response)

    async def _until_done(
        self,
        tag: str,
        *,
        keep: bytes = b"",
        told: list[_Response] | None = None,
        max_literal: int = _MAX_SHORT_LITERAL,
    ) -> bytes:
        mark = tag.encode() + b" "
        while True:
            response = await self._read(max_literal)
            if response.text.startswith(mark):
                self._note_capabilities(response.text)
                return response.text[len(mark) :].upper()
            self._note(response)
            if told is not None and keep and keep in response.text[:40].upper():
                if len(told) >= _MAX_TOLD:
                    raise MailboxUnavailable(f"the server tells more than {_MAX_TOLD} things at once")
                told.append(response)

    def _note(self, response: _Response) -> None:
        if _EXISTS.fullmatch(response.text):
            self.arrivals += 1
        elif response.text[:5].upper() == b"* BYE":
            raise MailboxUnavailable("the server says goodbye")
        else:
            self._note_capabilities(response.text)

    def _note_capabilities(self, text: bytes) -> None:
        if found := _CAPABILITIES.match(text):
            self._capabilities = frozenset(found[1].decode("ascii", "replace").upper().split())

    def _next_tag(self) -> str:
        self._number += 1
        return f"a{self._number}"

    async def _send(self, line: str) -> None:
        self._writer.write(line.encode() + b"\r\n")
        await self._writer.drain()

    async def _read(self, max_literal: int = _MAX_SHORT_LITERAL) -> _Response:
        return await self._whole(await self._line(), max_literal)

    async def _line(self) -> bytes:
        return (await self._reader.readuntil(b"\n")).rstrip(b"\r\n")

    async def _line_before(self, deadline: float) -> bytes | None:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._line()
        except TimeoutError:
            return None

    async def _whole(self, line: bytes, max_literal: int) -> _Response:
        """A response from its first line on: each line that ends with a literal's length goes on after it."""
        text = [line]
        literals: list[bytes] = []
        while found := _LITERAL.search(line):
            length = int(found[1])
            if length > max_literal - sum(len(one) for one in literals):
                raise MailboxUnavailable("the server sends more than it was asked for")
            literals.append(await self._reader.readexactly(length))
            line = await self._line()
            text.append(line)
        return _Response(text=b" ".join(text), literals=tuple(literals))


_EXISTS = re.compile(rb"\* [0-9]{1,10} EXISTS ?", re.IGNORECASE)
_CAPABILITIES = re.compile(rb"(?:\S{1,20} OK \[|\* )CAPABILITY ([^\]]*)", re.IGNORECASE)
_UID_VALIDITY = re.compile(rb"\[UIDVALIDITY ([0-9]{1,10})\]", re.IGNORECASE)
_UID = re.compile(rb"[( ]UID ([0-9]{1,10})(?![0-9])", re.IGNORECASE)
_SIZE = re.compile(rb"[( ]RFC822\.SIZE ([0-9]{1,18})(?![0-9])", re.IGNORECASE)
_BODY = re.compile(rb'BODY\[\](?:<0>)? (?:"(?P<quoted>(?:[^"\\]|\\.)*)"|~?\{|NIL)', re.IGNORECASE)
_LITERAL = re.compile(rb"\{([0-9]{1,10})\}$")
_STATUS = re.compile(rb"(?:OK|NO|BAD)(?: \[[A-Z-]{1,40}\]?)?")
_TEMPORARY = (b"NO [UNAVAILABLE", b"NO [INUSE", b"NO [LIMIT", b"NO [SERVERBUG", b"NO [CONTACTADMIN")


@asynccontextmanager
async def connect(mailbox: ImapMailbox, tls: ssl.SSLContext) -> AsyncIterator[ImapClient]:
    """A connection with a login, until the block ends; `tls` verifies the server where the mailbox asks for TLS.
    Raises MailboxRefused, MailboxUnavailable."""
    async with _limited(COMMAND_SECONDS):
        reader, writer = await asyncio.open_connection(
            mailbox.host, mailbox.port, limit=MAX_LINE, ssl=tls if mailbox.tls else None
        )
    client = ImapClient(reader, writer)
    try:
        await client.log_in(mailbox)
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def _limited(seconds: float) -> AsyncIterator[None]:
    """A step of the protocol: its time is limited, and whatever the connection raises becomes one of our two errors.
    The server's words stay out of them: they may name a person."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except ssl.SSLCertVerificationError as error:
        raise MailboxRefused(f"the server's certificate is not valid for its name: {error.verify_message}") from None
    except TimeoutError:
        raise MailboxUnavailable(f"the server did not answer within {seconds:g} s") from None
    except asyncio.LimitOverrunError:
        raise MailboxUnavailable("the server sent a line of more than 8 MiB") from None
    except (OSError, EOFError) as error:
        raise MailboxUnavailable(f"the connection failed: {type(error).__name__}") from None


def _refuse(status: bytes, why: str) -> None:
    """Raise what a status other than OK means."""
    if status.startswith(b"OK"):
        return
    if status.startswith(_TEMPORARY):
        raise MailboxUnavailable(f"{why} for now: {_code(status)}")
    raise MailboxRefused(f"{why}: {_code(status)}")


def _code(status: bytes) -> str:
    """The status and its response code (RFC 5530), without the text."""
    found = _STATUS.match(status.upper())
    return found[0].decode() if found else "in a way we cannot read"


def _quoted(text: str) -> str:
    """A quoted string (RFC 3501 4.3). Raises MailboxRefused for what none can hold."""
    if not text.isascii() or not text.isprintable():
        raise MailboxRefused("IMAP_URL has a character in user or password that this server cannot be told")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unquoted(text: bytes | None) -> bytes | None:
    return None if text is None else re.sub(rb"\\(.)", rb"\1", text)


def modified_utf7(name: str) -> str:
    """Returns a folder's name as the protocol has it (RFC 3501 5.1.3)."""
    return re.sub(r"&|[^ -~]+", _shifted, name)


def _shifted(found: re.Match[str]) -> str:
    if found[0] == "&":
        return "&-"
    return f"&{b64encode(found[0].encode('utf-16-be')).decode().rstrip('=').replace('/', ',')}-"
