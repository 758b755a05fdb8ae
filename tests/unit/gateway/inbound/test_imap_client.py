"""The IMAP client against scripted servers, without a network."""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.inbound import imap_client
from gateway.inbound.imap_client import ImapClient, MailboxRefused, MailboxUnavailable, modified_utf7
from gateway.settings import ImapMailbox

MAILBOX = ImapMailbox(host="h", port=993, tls=True, username="ada", password='pass"word', folder="INBOX")
GREETING = b"* OK ready\r\n"

Script = Mapping[str, bytes]
"""A pattern of what the client writes, and the server's answer; TAG there is the command's."""


class Server:
    """Writes to the client's reader what the script has for each line; hangs up at a line it does not know."""

    def __init__(self, script: Script, greeting: bytes = GREETING) -> None:
        self.reader = asyncio.StreamReader(limit=imap_client.MAX_LINE)
        self.reader.feed_data(greeting)
        self.lines: list[str] = []
        self._script = script

    def write(self, data: bytes) -> None:
        line = data.decode().removesuffix("\r\n")
        self.lines.append(line)
        tag, _, command = line.partition(" ")
        for pattern, answer in self._script.items():
            if re.fullmatch(pattern, command or tag):
                return self.reader.feed_data(answer.replace(b"TAG", self._tag(line)))
        self.reader.feed_eof()

    async def drain(self) -> None:
        pass

    def _tag(self, line: str) -> bytes:
        tags = [one.split()[0] for one in self.lines if re.match(r"a\d+ ", one)]
        return tags[-1].encode()


def client_of(script: Script, greeting: bytes = GREETING) -> tuple[ImapClient, Server]:
    server = Server(script, greeting)
    made: Any = server
    return ImapClient(server.reader, made), server


def capable(*names: str) -> dict[str, bytes]:
    return {"CAPABILITY": f"* CAPABILITY IMAP4rev1 {' '.join(names)}\r\nTAG OK done\r\n".encode()}


OK = b"TAG OK done\r\n"


# The login -------------------------------------------------------------------------------------------------------


async def test_a_server_with_plain_gets_user_and_password_when_it_asks() -> None:
    client, server = client_of(capable("AUTH=PLAIN", "IDLE") | {"AUTHENTICATE PLAIN": b"+ \r\n", r"\S+": OK})
    await client.log_in(MAILBOX)
    assert b64decode(server.lines[2]) == b'\0ada\0pass"word'
    assert client.can_idle


async def test_another_server_gets_them_quoted() -> None:
    client, server = client_of(capable() | {"LOGIN .*": OK})
    await client.log_in(MAILBOX)
    assert server.lines[1] == r'a2 LOGIN "ada" "pass\"word"'
    assert not client.can_idle


async def test_what_it_can_do_after_the_login_counts() -> None:
    answers = iter([b"* CAPABILITY IMAP4rev1\r\n", b"* CAPABILITY IMAP4rev1 IDLE\r\n"])

    class Once(dict[str, bytes]):
        def items(self) -> Any:
            return [("CAPABILITY", next(answers) + OK)] if len(server.lines) != 2 else [("LOGIN .*", OK)]

    client, server = client_of(Once())
    await client.log_in(MAILBOX)
    assert client.can_idle


@pytest.mark.parametrize(
    ("script", "error", "says"),
    [
        (capable() | {"LOGIN .*": b"TAG NO [AUTHENTICATIONFAILED] no ada here\r\n"}, MailboxRefused, "password"),
        (capable() | {"LOGIN .*": b"TAG BAD ada?\r\n"}, MailboxRefused, "password: BAD"),
        (capable() | {"LOGIN .*": b"TAG NO [UNAVAILABLE] ada waits\r\n"}, MailboxUnavailable, "for now"),
        (capable() | {"LOGIN .*": b"* BYE ada, too often\r\n"}, MailboxUnavailable, "goodbye"),
        (capable("AUTH=PLAIN") | {"AUTHENTICATE .*": b"TAG NO ada\r\n"}, MailboxRefused, "password: NO"),
        (capable("LOGINDISABLED"), MailboxRefused, "OAuth"),
        ({"CAPABILITY": b"TAG BAD ada\r\n"}, MailboxUnavailable, "CAPABILITY BAD"),
        ({}, MailboxUnavailable, "IncompleteReadError"),
    ],
)
async def test_a_login_that_fails_says_what_to_do_and_names_nobody(
    script: Script, error: type[Exception], says: str
) -> None:
    client, _ = client_of(script)
    with pytest.raises(error, match=says) as raised:
        await client.log_in(MAILBOX)
    assert "ada" not in str(raised.value)


@pytest.mark.parametrize("greeting", [b"* BYE closed\r\n", b"* PREAUTH ada\r\n", b"220 smtp\r\n"])
async def test_no_password_goes_to_what_does_not_greet_as_a_server(greeting: bytes) -> None:
    client, server = client_of(capable(), greeting)
    with pytest.raises(MailboxUnavailable, match="greet"):
        await client.log_in(MAILBOX)
    assert server.lines == []


@pytest.mark.parametrize("password", ["a\r\nb LOGOUT", "über"])
async def test_a_password_never_becomes_a_command(password: str) -> None:
    mailbox = ImapMailbox(host="h", port=993, tls=True, username="ada", password=password, folder="INBOX")
    client, server = client_of(capable() | {"LOGIN .*": OK})
    with pytest.raises(MailboxRefused, match="character"):
        await client.log_in(mailbox)
    assert len(server.lines) == 1


# The folder ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("INBOX", "INBOX"),
        ("Sent & Done", "Sent &- Done"),
        ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
        ("😀", "&2D3eAA-"),
    ],
)
def test_a_folder_name_is_modified_utf7(name: str, written: str) -> None:
    assert modified_utf7(name) == written


async def test_a_folder_is_opened_for_reading_only() -> None:
    client, server = client_of({"EXAMINE .*": b"* 3 EXISTS\r\n* OK [UIDVALIDITY 77] valid\r\nTAG OK [READ-ONLY]\r\n"})
    assert (await client.open_folder('a "b"')).uid_validity == 77
    assert server.lines == [r'a1 EXAMINE "a \"b\""']


async def test_a_folder_without_uid_validity_is_not_read() -> None:
    client, _ = client_of({"EXAMINE .*": OK})
    with pytest.raises(MailboxUnavailable, match="UIDVALIDITY"):
        await client.open_folder("INBOX")


async def test_a_search_for_later_mail_leaves_out_the_last_one_that_servers_always_name() -> None:
    client, _ = client_of({r"UID SEARCH UID 8:\*": b"* SEARCH 7\r\n* SEARCH 12 9 x\r\nTAG OK done\r\n"})
    assert await client.uids_from(8) == [9, 12]


async def test_sizes_leave_out_what_is_gone() -> None:
    answer = b"* 1 FETCH (UID 5 RFC822.SIZE 100)\r\n* 2 FETCH (FLAGS (\\Seen))\r\n* 3 FETCH (RFC822.SIZE 7 UID 9)\r\n"
    client, _ = client_of({r"UID FETCH 5,6,9 \(UID RFC822\.SIZE\)": answer + OK})
    assert await client.sizes([5, 6, 9]) == {5: 100, 9: 7}


# One mail --------------------------------------------------------------------------------------------------------


def fetching(answer: bytes) -> ImapClient:
    return client_of({r"UID FETCH 5 \(UID BODY\.PEEK\[\]<0\.60>\)": answer + OK})[0]


TRICKY = b"Subject: {9}\r\n\r\na1 OK done\r\n* BYE\r\n)) {4}\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"* 1 FETCH (UID 5 BODY[]<0> {%d}\r\n%b)\r\n" % (len(TRICKY), TRICKY),
        b"* 1 FETCH (BODY[]<0> {%d}\r\n%b UID 5)\r\n" % (len(TRICKY), TRICKY),
        b"* 7 EXISTS\r\n* 2 fetch (FLAGS () UID 4)\r\n* 1 fetch (uid 5 body[]<0> {%d}\r\n%b FLAGS ())\r\n"
        % (len(TRICKY), TRICKY),
    ],
)
async def test_a_mail_is_its_octets_whatever_they_look_like(answer: bytes) -> None:
    assert await fetching(answer).mail(5, 60) == TRICKY


@pytest.mark.parametrize(
    ("answer", "mail"),
    [
        (b"", None),
        (b"* 1 FETCH (UID 5 BODY[]<0> NIL)\r\n", None),
        (b"* 1 FETCH (UID 6 BODY[]<0> {1}\r\nx)\r\n", None),
        (b"* 1 FETCH (UID 55 BODY[]<0> {1}\r\nx)\r\n", None),
        (b"* 1 FETCH (UID 5 BODY[]<0> {0}\r\n)\r\n", b""),
        (b'* 1 FETCH (UID 5 BODY[]<0> "a (\\"b\\\\")\r\n', b'a ("b\\'),
    ],
)
async def test_a_mail_that_is_gone_empty_or_in_quotes(answer: bytes, mail: bytes | None) -> None:
    assert await fetching(answer).mail(5, 60) == mail


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"* 1 FETCH (UID 5 BODY[]<0> {61}\r\n" + b"x" * 61 + b")\r\n", "more than it was asked for"),
        (b"* 1 FETCH (UID 5 BODY[]<0> {40}\r\n" + b"x" * 40 + b" FLAGS {40}\r\n", "more than it was asked for"),
        (b"* BYE\r\n", "goodbye"),
        (b"* 1 FETCH (FLAGS ())\r\n" * 10_001, "10000 things"),
        (b"x" * 17_000_000, "8 MiB"),
    ],
)
async def test_what_a_server_must_not_send_ends_the_connection(answer: bytes, says: str) -> None:
    with pytest.raises(MailboxUnavailable, match=says):
        await fetching(answer).mail(5, 60)


async def test_a_connection_that_ends_within_a_mail_is_no_mail() -> None:
    client, server = client_of({".*": b"* 1 FETCH (UID 5 BODY[]<0> {9}\r\nabc"})
    asyncio.get_running_loop().call_soon(server.reader.feed_eof)
    with pytest.raises(MailboxUnavailable, match="connection failed"):
        await client.mail(5, 60)


async def test_a_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_client, "COMMAND_SECONDS", 0.01)
    client, _ = client_of({"NOOP": b""})
    with pytest.raises(MailboxUnavailable, match="did not answer"):
        await client.check()


WORDS = [b"* ", b"a1 ", b"OK", b"NO", b"FETCH (", b"UID 5", b" BODY[]<0> ", b"{3}\r\n", b'"', b"\r\n", b"xyz", b")"]
WORDS += [b"SEARCH ", b"9999999999", b"\xff", b"EXISTS", b"+ ", b"[UIDVALIDITY 3]"]


@given(st.lists(st.sampled_from(WORDS) | st.binary(max_size=8)))
def test_whatever_a_server_sends_is_read_or_ends_the_connection(pieces: list[bytes]) -> None:
    asked = []

    async def ask(question: Callable[[ImapClient], Awaitable[object]]) -> None:
        client, server = client_of({".*": b"".join(pieces)})
        asyncio.get_running_loop().call_soon(server.reader.feed_eof)
        with suppress(MailboxRefused, MailboxUnavailable):
            await question(client)
        asked.append(client)

    async def ask_all() -> None:
        await ask(lambda client: client.mail(5, 60))
        await ask(lambda client: client.uids_from(1))
        await ask(lambda client: client.sizes([5]))
        await ask(lambda client: client.open_folder("INBOX"))
        await ask(lambda client: client.log_in(MAILBOX))
        await ask(lambda client: client.idle(0.0, 0))

    asyncio.run(ask_all())
    assert len(asked) == 6


# News ------------------------------------------------------------------------------------------------------------


async def test_idle_ends_when_mail_comes() -> None:
    client, server = client_of({"IDLE": b"+ idling\r\n* 2 EXPUNGE\r\n* 9 EXISTS\r\n", "DONE": OK})
    await client.idle(60.0, client.arrivals)
    assert (client.arrivals, server.lines) == (1, ["a1 IDLE", "DONE"])


async def test_idle_ends_when_its_time_is_over() -> None:
    client, server = client_of({"IDLE": b"+ idling\r\n", "DONE": OK})
    await client.idle(0.01, client.arrivals)
    assert (client.arrivals, server.lines) == (0, ["a1 IDLE", "DONE"])


async def test_what_was_told_before_idle_is_not_waited_for() -> None:
    client, server = client_of(
        {"UID SEARCH .*": b"* SEARCH 1\r\n* 2 EXISTS\r\nTAG OK\r\n", "IDLE": b"+ \r\n", "DONE": OK}
    )
    arrivals = client.arrivals
    await client.uids_from(1)
    await client.idle(60.0, arrivals)
    assert server.lines[-1] == "DONE"


@pytest.mark.parametrize("answer", [b"TAG NO not now\r\n", b"* BYE\r\n", b"+ idling\r\n* BYE\r\n"])
async def test_a_server_that_ends_idle_is_unavailable(answer: bytes) -> None:
    client, _ = client_of({"IDLE": answer})
    with pytest.raises(MailboxUnavailable):
        await client.idle(60.0, client.arrivals)
