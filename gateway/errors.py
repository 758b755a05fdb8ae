"""The gateway's one tree of errors.

GatewayError
├── Refusal               the caller's input or the present state forbids it; nothing was done
├── Refusals              several of them, of one input
├── LedgerUnavailable     PostgreSQL cannot be reached or answers too late
│   └── LedgerFull        its disk is full
├── BufferUnavailable     Valkey, where hits wait for PostgreSQL, cannot be reached
├── CompilerUnavailable   templates cannot be compiled now
├── MailboxUnavailable    the mailbox that is read by IMAP cannot be read now (`inbound.imap_client`)
├── MailboxRefused        its server refuses user, password or folder: a person must act
├── Unreadable            a table that is imported cannot be read on (`campaigns.import_reader`)
├── LedgerWentBack        the ledger lacks what was seen of it: it was restored, and nobody has said so
├── RestoreRefused        what waited in a restored ledger cannot be dealt with now (`restoring.restored`)
├── SettingsError         a setting is missing or malformed
└── RulesError            a file of rules is wrong (`rule_files`)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum


class RefusalCode(StrEnum):
    """Why a request was refused. The GraphQL `UserErrorCode` has the same values."""

    INVALID = "INVALID"
    REQUIRED = "REQUIRED"
    TOO_LONG = "TOO_LONG"
    TOO_MANY = "TOO_MANY"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    ADDRESS_INVALID = "ADDRESS_INVALID"
    ADDRESS_RESERVED = "ADDRESS_RESERVED"
    CARD_NUMBER = "CARD_NUMBER"
    HEADER_INJECTION = "HEADER_INJECTION"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    DEADLINE_PASSED = "DEADLINE_PASSED"
    TEMPLATE_INVALID = "TEMPLATE_INVALID"
    MERGE_FIELD_MISSING = "MERGE_FIELD_MISSING"
    UNSUBSCRIBE_MISSING = "UNSUBSCRIBE_MISSING"
    POSTAL_ADDRESS_MISSING = "POSTAL_ADDRESS_MISSING"
    ATTACHMENT_TOO_LARGE = "ATTACHMENT_TOO_LARGE"
    ILLEGAL_STATE = "ILLEGAL_STATE"
    SUPPRESSED = "SUPPRESSED"
    OPTED_OUT = "OPTED_OUT"
    ERASED = "ERASED"
    MAPPING_INVALID = "MAPPING_INVALID"
    TOO_COSTLY = "TOO_COSTLY"
    AUDIENCE_EMPTY = "AUDIENCE_EMPTY"
    TOO_OFTEN = "TOO_OFTEN"
    SCHEDULE_INVALID = "SCHEDULE_INVALID"
    PREVIEW_EXPIRED = "PREVIEW_EXPIRED"


class GatewayError(Exception):
    """Base of what the gateway raises; the message says what to do about it."""


class Refusal(GatewayError):
    """A business refusal: becomes one `userErrors` entry. Nothing was written.

    `field` is the path below the mutation's `input`, in GraphQL names: `("window", "start")`.
    The message never repeats a secret, a card number or somebody else's data.
    """

    def __init__(self, code: RefusalCode, message: str, field: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


class Refusals(GatewayError):
    """Several refusals of one input: one `userErrors` entry each. Nothing was written."""

    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        super().__init__(" ".join(refusal.message for refusal in refusals))
        self.refusals = refusals


class RefusalCollector:
    """Makes checks of one input one after the other, so that the caller learns all of it at once."""

    MAX = 100
    """More of ten thousand recipients would say nothing new."""

    def __init__(self) -> None:
        self._found: list[Refusal] = []

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """What was refused so far."""
        return tuple(self._found)

    @property
    def full(self) -> bool:
        """Whether enough was found to stop looking."""
        return len(self._found) >= self.MAX

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found yet."""
        return not self._found

    @contextmanager
    def check(self) -> Iterator[None]:
        """A check: its refusals are kept, and what follows the block goes on."""
        try:
            yield
        except Refusal as refusal:
            self._found.append(refusal)
        except Refusals as several:
            self._found.extend(several.refusals)

    def raise_any(self) -> None:
        """Raises Refusal, or Refusals where there are several."""
        if len(self._found) == 1:
            raise self._found[0]
        if self._found:
            raise Refusals(tuple(self._found[: self.MAX]))


class LedgerUnavailable(GatewayError):
    """PostgreSQL cannot be reached or answers too late. Nothing is known to be written: retry."""


class LedgerFull(LedgerUnavailable):
    """PostgreSQL's disk is full. Nothing is written: make room, then retry."""


class BufferUnavailable(GatewayError):
    """Valkey cannot be reached: hits wait in memory, up to a limit."""


class CompilerUnavailable(GatewayError):
    """Too many templates wait to be compiled, or the process that does it failed. Nothing is written: retry."""


class LedgerWentBack(GatewayError):
    """The ledger lacks what was seen of it; the message says what to do. Nothing may be sent."""


class SettingsError(GatewayError):
    """A setting is missing or malformed; the message names it and shows an example."""
