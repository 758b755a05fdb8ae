"""The demo relay over real SMTP: the reply for each behaviour, the mail kept in the inbox and handed on to be
answered."""

from __future__ import annotations

import asyncio
import smtplib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP

from service.standalone.demo.answers import TakenMail
from service.standalone.demo.relay import Inbox
from service.standalone.demo.reports import HOST_NAME

CONTENT = b"Subject: x\r\n\r\nHello\r\n"


class Clock:
    """Stands still until a test advances it."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def taken() -> list[TakenMail]:
    """What the relay took, and would have answered."""
    return []


@pytest.fixture
async def port(tmp_path: Path, clock: Clock, taken: list[TakenMail]) -> AsyncIterator[int]:
    """Where the relay listens; it keeps mail in the test's directory."""

    async def answer(mail: TakenMail) -> None:
        taken.append(mail)

    handler = Inbox(tmp_path, clock=clock, answer=answer)
    listener = socket.create_server(("127.0.0.1", 0))
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(handler, hostname=HOST_NAME), sock=listener)
    async with server:
        yield listener.getsockname()[1]


async def send_to(port: int, recipient: str) -> tuple[int, str]:
    """Sends one mail to the recipient; the relay's last reply."""

    def send() -> tuple[int, str]:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            client.ehlo()
            client.mail("b1x@northlight.example")
            code, text = client.rcpt(recipient)
            if code == 250:
                code, text = client.data(CONTENT)
            return code, text.decode()

    return await asyncio.to_thread(send)


@pytest.mark.parametrize(
    ("recipient", "code", "words"),
    [
        ("ada@willowmail.example", 250, "2.0.0 Ok: queued as"),
        ("d.whitfield@willowmail.example", 550, "5.1.1"),
        ("unknown@anywhere.example", 550, "User unknown"),
        ("m.okafor@willowmail.example", 452, "4.2.2"),
        ("overquota@anywhere.example", 552, "5.2.2"),
        ("facilities@fortress-bank.example", 550, "5.7.1"),
        ("ingrid@slowpost.example", 450, "Greylisted, try again in 10 seconds"),
    ],
)
async def test_every_behaviour_has_its_reply(port: int, recipient: str, code: int, words: str) -> None:
    found, text = await send_to(port, recipient)
    assert found == code
    assert words in text


async def test_greylisted_mail_is_taken_when_it_comes_again(port: int, clock: Clock) -> None:
    assert (await send_to(port, "ingrid@slowpost.example"))[0] == 450
    clock.now += 9
    assert (await send_to(port, "ingrid@slowpost.example"))[0] == 450
    clock.now += 2
    assert (await send_to(port, "ingrid@slowpost.example"))[0] == 250


async def test_one_domain_hangs_up_after_the_mail(port: int, tmp_path: Path, taken: list[TakenMail]) -> None:
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        await send_to(port, "office@lakeshore-clinic.example")
    assert list(tmp_path.glob("*.eml")) == []
    assert taken == []


async def test_what_it_took_may_be_answered(port: int, taken: list[TakenMail]) -> None:
    _, text = await send_to(port, "ada@willowmail.example")
    [mail] = taken
    assert text.endswith(f"queued as {mail.number}")
    assert (mail.return_path, mail.recipient) == ("b1x@northlight.example", "ada@willowmail.example")
    assert (mail.content, mail.header_lines) == (CONTENT, b"Subject: x\r\n")


async def test_accepted_mail_is_kept_in_the_inbox(port: int, tmp_path: Path) -> None:
    await send_to(port, "ada@willowmail.example")
    (mail,) = tmp_path.glob("*.eml")
    head = b"Return-Path: <b1x@northlight.example>\r\nDelivered-To: ada@willowmail.example\r\n"
    assert mail.read_bytes().startswith(head)
    assert mail.read_bytes().endswith(CONTENT)
