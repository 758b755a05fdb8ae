"""The demo relay's answers to the mail listener: over real SMTP, once, when they are due, whatever stops meanwhile."""

from __future__ import annotations

import asyncio
import smtplib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from service.standalone.demo.answers import OutgoingMail
from service.standalone.demo.outgoing import Outgoing, hand_in
from tests.eventually import eventually
from tests.unit.service.standalone.demo.mails import RETURN_PATH, taken

BOUNCED = taken("bounces@anywhere.example")


class Clock:
    """Stands still until a test advances it."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Listener:
    """Takes everything, as the mail listener would."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        """Keeps the mail."""
        self.envelopes.append(envelope)
        return "250 2.0.0 Ok"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def running(
    directory: Path, clock: Clock, deliver: Callable[[OutgoingMail], None], said: list[str] | None = None
) -> AsyncIterator[Outgoing]:
    """A queue at work in this directory."""
    outgoing = Outgoing(directory, clock=clock, deliver=deliver, say=(said if said is not None else []).append)
    task = asyncio.create_task(outgoing.run())
    try:
        yield outgoing
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def waiting(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


async def test_an_answer_is_handed_in_over_smtp_with_its_own_envelope(tmp_path: Path, clock: Clock) -> None:
    # Given a listener, and the answer to a mail, due in five seconds
    listener = Listener()
    opened = socket.create_server(("127.0.0.1", 0))
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(listener), sock=opened)
    async with server:
        port = opened.getsockname()[1]
        async with running(tmp_path, clock, partial(hand_in, port)) as outgoing:
            await outgoing.answer(BOUNCED)
            assert len(waiting(tmp_path)) == 1
        assert listener.envelopes == []
        # When the queue is started again after they have passed
        clock.now += 6
        async with running(tmp_path, clock, partial(hand_in, port)):
            # Then the listener has it once, and the queue no more
            await eventually(lambda: waiting(tmp_path) == [], "the queue is empty")
    [envelope] = listener.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("<>", [RETURN_PATH])
    assert isinstance(envelope.content, bytes)
    assert b"Action: failed" in envelope.content


async def test_what_the_listener_does_not_take_now_waits(tmp_path: Path, clock: Clock) -> None:
    tries: list[OutgoingMail] = []

    def deliver(mail: OutgoingMail) -> None:
        tries.append(mail)
        raise ConnectionRefusedError if len(tries) == 1 else smtplib.SMTPDataError(451, b"4.3.0 later")

    async with running(tmp_path, clock, deliver) as outgoing:
        await outgoing.answer(taken("answers@anywhere.example"))
        clock.now += 6
        await outgoing.answer(BOUNCED)  # wakes the queue
        await eventually(lambda: len(tries) == 1, "it was tried")
        clock.now += 6
        await outgoing.answer(BOUNCED)
        await eventually(lambda: len(tries) > 1, "it was tried again")
    assert len(waiting(tmp_path)) == 3


@pytest.mark.parametrize(
    "refusal",
    [
        smtplib.SMTPRecipientsRefused({RETURN_PATH: (550, b"5.1.1 no such mailbox")}),
        smtplib.SMTPDataError(552, b"5.3.4 too large"),
    ],
)
async def test_what_the_listener_refuses_for_good_is_dropped_and_said(
    tmp_path: Path, clock: Clock, refusal: Exception
) -> None:
    def deliver(mail: OutgoingMail) -> None:
        raise refusal

    said: list[str] = []
    async with running(tmp_path, clock, deliver, said) as outgoing:
        await outgoing.answer(BOUNCED)
    clock.now += 6
    async with running(tmp_path, clock, deliver, said):
        await eventually(lambda: waiting(tmp_path) == [], "the queue is empty")
    [line] = said
    assert line.startswith("not taken: ")
    assert RETURN_PATH not in line


async def test_what_came_from_nobody_is_not_answered(tmp_path: Path, clock: Clock) -> None:
    mail = type(BOUNCED)(return_path="", recipient=BOUNCED.recipient, content=BOUNCED.content, number=BOUNCED.number)
    await Outgoing(tmp_path, clock=clock, deliver=lambda mail: None, say=print).answer(mail)
    assert waiting(tmp_path) == []
