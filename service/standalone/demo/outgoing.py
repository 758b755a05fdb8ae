"""The demo relay's queue of answers: kept in a directory until our mail listener has taken them, over SMTP."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import json
import smtplib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from service.standalone.demo.answers import Answer, AnswerKind, OutgoingMail, TakenMail, answers_to
from service.standalone.demo.replies import MAKERS
from service.standalone.demo.reports import HOST_NAME, complaint, delivery_report, mail_time

_RETRY_SECONDS = 2.0
"""Between tries while the listener does not answer: it starts again within half a second of its end."""
_KEPT_SECONDS = 5 * 86_400.0
"""How long a mail is offered, as RFC 5321 4.5.4.1 has it."""
_MAX_WAITING = 1000
"""Mails that wait: the demo has some dozen answers. Mail beyond them stays unanswered."""
_TIMEOUT = 30.0

Deliver = Callable[[OutgoingMail], None]
"""Hands a mail in. Raises OSError or SMTPException when it was not taken."""


def make_answer(mail: TakenMail, answer: Answer, at: datetime) -> OutgoingMail | None:
    """Returns the mail that an answer is; None where the answered mail does not say where to send it."""
    match answer.kind:
        case AnswerKind.BOUNCE | AnswerKind.DELAY:
            return delivery_report(mail, answer, at)
        case AnswerKind.COMPLAINT:
            return complaint(mail, at)
    return MAKERS[answer.kind](mail, answer, at)


class Outgoing:
    """A queue of answers. They survive a stop of the relay; one that the listener refuses for good is dropped."""

    def __init__(
        self, directory: Path, *, clock: Callable[[], float], deliver: Deliver, say: Callable[[str], None]
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._deliver = deliver
        self._say = say
        self._waiting = [(float(path.stem.partition("-")[0]), path) for path in directory.glob("*.mail")]
        heapq.heapify(self._waiting)
        self._changed = asyncio.Event()

    async def answer(self, mail: TakenMail) -> None:
        """Make the answers to a mail that the relay has taken, and keep them until they are due. What came from nobody
        is not answered."""
        for answer in answers_to(mail) if mail.return_path else []:
            due = self._clock() + answer.after
            made = make_answer(mail, answer, mail_time(due))
            if made is None or len(self._waiting) >= _MAX_WAITING:
                continue
            path = self._directory / f"{due:.3f}-{mail.number}-{answer.kind.lower()}.mail"
            await asyncio.to_thread(_write, path, made)
            heapq.heappush(self._waiting, (due, path))
            self._changed.set()

    async def run(self) -> None:
        """Hand in what is due, until cancelled."""
        while True:
            due, path = self._waiting[0] if self._waiting else (None, None)
            if due is None or path is None or due > self._clock():
                await self._wait(None if due is None else due - self._clock())
                continue
            heapq.heappop(self._waiting)
            if not await asyncio.to_thread(self._hand_in, path):
                heapq.heappush(self._waiting, (self._clock() + _RETRY_SECONDS, path))

    async def _wait(self, seconds: float | None) -> None:
        """Until an answer is added, or the first is due."""
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def _hand_in(self, path: Path) -> bool:
        """Whether it is done with: taken, refused for good, or too old."""
        try:
            self._deliver(_read(path))
        except (smtplib.SMTPException, OSError) as error:
            code = _code_of(error)
            too_old = self._clock() - float(path.stem.partition("-")[0]) > _KEPT_SECONDS
            if code < 500 and not too_old:
                return False
            self._say(f"not taken: {path.stem} ({code or type(error).__name__})")
        path.unlink(missing_ok=True)
        return True


def hand_in(port: int, mail: OutgoingMail) -> None:
    """Give a mail to the listener on this port of loopback. Raises OSError or SMTPException when it was not taken."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname=HOST_NAME, timeout=_TIMEOUT) as client:
        client.sendmail(mail.sender, [mail.recipient], mail.content)


def _code_of(error: Exception) -> int:
    """Returns the reply's code; 0 where there was none."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return int(next(iter(error.recipients.values()))[0])
    return int(error.smtp_code) if isinstance(error, smtplib.SMTPResponseException) else 0


def _write(path: Path, mail: OutgoingMail) -> None:
    """Write the envelope as a line of JSON, and the mail below it; whole or not at all."""
    fresh = path.with_suffix(".new")
    envelope = json.dumps({"sender": mail.sender, "recipient": mail.recipient})
    fresh.write_bytes(envelope.encode() + b"\n" + mail.content)
    fresh.rename(path)


def _read(path: Path) -> OutgoingMail:
    envelope, _, content = path.read_bytes().partition(b"\n")
    return OutgoingMail(**json.loads(envelope), content=content)
