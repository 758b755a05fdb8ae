"""What comes back of the mail that the demo relay has taken: which mail is answered, how, and when."""

from __future__ import annotations

import email
import email.policy
import tomllib
from dataclasses import dataclass
from email.message import EmailMessage
from enum import StrEnum
from functools import cache
from pathlib import Path


class AnswerKind(StrEnum):
    """What is handed in, as answers.toml explains it."""

    BOUNCE = "BOUNCE"
    DELAY = "DELAY"
    COMPLAINT = "COMPLAINT"
    REPLY = "REPLY"
    AWAY = "AWAY"
    LETTER = "LETTER"
    STRANGER = "STRANGER"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One entry of answers.toml. `after` is in seconds; `to` ends with `@` when it means any domain; `title` is the
    subject of a mail that answers none."""

    to: str
    kind: AnswerKind
    after: float
    subject: str = ""
    words: str = ""
    writes_as: str | None = None
    quote: str = ""
    html: bool = False
    photo: bool = False
    mailbox: str = ""
    title: str = ""

    @property
    def by_hand(self) -> bool:
        """Whether it is for mail that somebody sends by hand, not for the demo's own."""
        return self.to.endswith("@")

    def is_for(self, recipient: str) -> bool:
        """Whether mail to this recipient may be answered so."""
        address = recipient.casefold()
        return address.startswith(self.to) if self.by_hand else address == self.to


@dataclass(frozen=True, kw_only=True, slots=True)
class TakenMail:
    """A mail that the relay has taken for one recipient. `content` has CRLF line ends; `number` is its queue id."""

    return_path: str
    recipient: str
    content: bytes
    number: str

    @property
    def header_lines(self) -> bytes:
        """Its headers as they came, each ended by CRLF."""
        return self.content.partition(b"\r\n\r\n")[0] + b"\r\n"

    def message(self) -> EmailMessage:
        """Returns it parsed."""
        return email.message_from_bytes(self.content, policy=email.policy.default)


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingMail:
    """An answer with its envelope: `sender` is empty for reports and machines."""

    sender: str
    recipient: str
    content: bytes


@cache
def read_answers() -> tuple[Answer, ...]:
    """Returns all answers, in the order of the file."""
    rows = tomllib.loads((Path(__file__).parent / "answers.toml").read_text(encoding="utf-8"))["answer"]
    return tuple(Answer(**{**row, "kind": AnswerKind(row["kind"])}) for row in rows)


def answers_to(mail: TakenMail) -> list[Answer]:
    """Returns how a mail is answered; nothing for most, which are not even parsed."""
    found = [answer for answer in read_answers() if answer.is_for(mail.recipient)]
    subject = str(mail.message()["Subject"] or "") if found else ""
    return [answer for answer in found if answer.subject in subject]
