"""The layout of a flight recorder's file: pure bytes, no I/O, no clock.

     header | claims under way (64) | slots (one a mail in hand) | overflow blocks (long replies)

The word of a slot or claim is stored last, by one aligned store of 8 bytes: whenever its process dies, either the whole
entry is there or nothing of it. Checksums are for what a process's death cannot do: a machine that loses its power, a
damaged disk, a file that is no recorder's. What does not agree with its checksum is not believed, and is no reason not
to believe the rest.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from struct import Struct
from typing import Any
from uuid import UUID
from zlib import crc32

import orjson

from gateway.mail.response import Exchange, Fault, FaultKind, Response, Stage
from gateway.outbox.claim import RecipientKey
from gateway.outbox.outcomes import AttemptKey
from gateway.value import value

MAGIC = b"CEFLIGHT"
VERSION = 1
CLAIMS = 64
"""Claims under way that are noted: a worker has one at a time, and those whose answer was lost until their leases would
be over."""
SLOT_BYTES = 5 * 1024
"""A slot holds a reply of 4 KiB and what stands beside it; longer ones go to a block."""
BLOCK_BYTES = 66 * 1024
"""Holds a reply of 64 KiB, as long as the ledger keeps."""
BLOCKS = 8
"""Long replies at a time; those beyond are cut to a slot. Servers hardly ever write as much."""
MAX_SLOTS = 200_000
"""Far above what any relay's connections need: a header that says more is damaged."""

_HEADER = Struct("<8sIIQ16s16s64sdd")
_CHECKSUM = Struct("<I")
_CLAIM = Struct("<16sd")
_KEY = Struct("<q16s16shh")
_ANSWER = Struct("<III")
_CLAIMS_AT = 256
_CLAIM_BYTES = 40
_SLOTS_AT = 4096
_KEY_AT = 8
_ANSWER_AT = _KEY_AT + _KEY.size + _CHECKSUM.size
_WORDS_AT = _ANSWER_AT + _ANSWER.size
SLOT_ROOM = SLOT_BYTES - _WORDS_AT
"""Bytes of an answer that a slot holds."""
NO_BLOCK = 0xFFFF_FFFF
_SEALED = 1 << 32
LONGEST_WORDS = 65_536
"""Characters of a server's words at most, as in the ledger."""
_NEVER = datetime.fromtimestamp(0, UTC)


class Word(IntEnum):
    """What an entry is: far from each other, so that damage does not make one another."""

    FREE = 0
    CLAIMED = 0x434C_4149_4D45_4401
    LEASED = 0x4C45_4153_4544_9A02
    DOT = 0x00C3_444F_545F_5F03
    ANSWERED = 0x414E_53F7_5245_4404


@value
class Header:
    """Whose file it is. `boot_id` and `host` say where `monotonic` counts; `wall` is the time of day at that moment.

    `sealed`: the worker itself wrote this copy when it had ended its work, and no byte of it has changed since.
    """

    worker: UUID
    boot_id: UUID
    host: str
    slots: int
    monotonic: float
    wall: float
    sealed: bool = False


@value
class SlotKey:
    """One attempt of one recipient, as its slot names it; `domain` is known where it was answered."""

    customer_id: int
    message_id: UUID
    recipient_no: int
    attempt: int
    owner: UUID
    domain: str = ""

    @property
    def key(self) -> RecipientKey:
        """The order in which groups lock rows."""
        return self.customer_id, self.message_id, self.recipient_no


@value
class Answered:
    """A transaction that is over: what the server said, or what broke. `ended` is the worker's monotonic clock."""

    key: SlotKey
    exchange: Exchange
    mail_sha256_hex: str
    ended: float


@value
class UnderWay:
    """A claim whose rows no sender has yet; `ends` is when its leases are over, by the worker's monotonic clock."""

    owner: UUID
    ends: float


@value
class Recording:
    """What a file says: claims under way, mails of which no dot was sent, those whose dot may have been, answered ones;
    and how many entries were not believed."""

    header: Header
    claims: tuple[UnderWay, ...] = ()
    leased: tuple[SlotKey, ...] = ()
    dot: tuple[SlotKey, ...] = ()
    answered: tuple[Answered, ...] = ()
    unreadable: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Where everything stands in a file of so many slots, in bytes from its beginning."""

    slots: int

    @property
    def size(self) -> int:
        """The whole file."""
        return self.block_at(BLOCKS)

    def claim_at(self, number: int) -> int:
        """A claim's word."""
        return _CLAIMS_AT + number * _CLAIM_BYTES

    def slot_at(self, number: int) -> int:
        """A slot's word."""
        return _SLOTS_AT + number * SLOT_BYTES

    def block_at(self, number: int) -> int:
        """An overflow block."""
        return self.slot_at(self.slots) + number * BLOCK_BYTES


# ---- writing


def pack_header(header: Header, *, body: bytes = b"") -> bytes:
    """The first bytes of a file; a sealed one's vouch for `body`, all that follows `SEALED_FROM`."""
    seal = _SEALED | crc32(body) if header.sealed else 0
    packed = _HEADER.pack(
        MAGIC,
        VERSION,
        header.slots,
        seal,
        header.boot_id.bytes,
        header.worker.bytes,
        _host_bytes(header.host),
        header.monotonic,
        header.wall,
    )
    return packed + _CHECKSUM.pack(crc32(packed))


SEALED_FROM = _CLAIMS_AT
"""Where the bytes begin that a seal covers."""
CLAIMS_END = _SLOTS_AT
"""Bytes of a file of no slots, whose claims alone are left."""


def _host_bytes(host: str) -> bytes:
    return host.encode("utf-8", "replace")[:64].rstrip(b"\0")


def write_claim(buffer: memoryview, at: int, owner: UUID, ends: float) -> None:
    """Write a claim's entry, all but its word."""
    packed = _CLAIM.pack(owner.bytes, ends)
    buffer[at + 8 : at + 8 + _CLAIM.size] = packed
    _CHECKSUM.pack_into(buffer, at + 8 + _CLAIM.size, crc32(packed))


def write_key(buffer: memoryview, at: int, row: AttemptKey) -> int:
    """Write whose slot it is, all but its word. Returns the checksum, to which the answer is bound."""
    start = at + _KEY_AT
    packed = _KEY.pack(row.customer_id, row.message_id.bytes, row.owner.bytes, row.recipient_no, row.attempt)
    checksum = crc32(packed)
    buffer[start : start + _KEY.size] = packed
    _CHECKSUM.pack_into(buffer, start + _KEY.size, checksum)
    return checksum


def write_answer(buffer: memoryview, at: int, packed: bytes, key_checksum: int, block: int, start: int) -> None:
    """Write an answer for the slot at `at`, all but the slot's word: into a block that begins at `start`, or, where
    `block` is `NO_BLOCK`, into the slot itself."""
    if block == NO_BLOCK:
        start = at + _WORDS_AT
    length = len(packed)
    buffer[start : start + length] = packed
    _ANSWER.pack_into(buffer, at + _ANSWER_AT, length, crc32(packed, key_checksum), block)


def pack_answer(
    exchange: Exchange, domain: str, mail_sha256_hex: str, ended: float, longest: int = LONGEST_WORDS
) -> bytes:
    """An exchange as bytes, each of its texts cut to `longest` characters. Raises TypeError for text that is none."""
    response, fault = exchange.response, exchange.fault
    return orjson.dumps(
        (
            exchange.stage,
            exchange.dot_sent,
            exchange.took_ms,
            ended,
            exchange.relay,
            exchange.host,
            exchange.tls,
            domain,
            mail_sha256_hex,
            response and (response.code, response.enhanced, response.text[:longest], response.stage),
            fault and (fault.kind, fault.stage, fault.text[:longest], fault.words and fault.words[:longest]),
        )
    )


def cut_answer(exchange: Exchange, domain: str, mail_sha256_hex: str, ended: float, *, room: int) -> bytes:
    """The same in at most `room` bytes, its texts cut as far as that needs. Raises ValueError where nothing helps."""
    longest = LONGEST_WORDS
    while longest > 0:
        packed = pack_answer(exchange, domain, mail_sha256_hex, ended, longest)
        if len(packed) <= room:
            return packed
        longest = min(longest, room) * 7 // 8
    raise ValueError("more than a block beside the words")


# ---- reading


def read(data: bytes) -> Recording | None:
    """What a file says; None where its header is not believed. Never raises: damage makes an entry unreadable."""
    header = read_header(data)
    if header is None:
        return None
    layout = Layout(slots=header.slots)
    claims: list[UnderWay] = []
    leased: list[SlotKey] = []
    dot: list[SlotKey] = []
    answered: list[Answered] = []
    unreadable = 0
    entries = [(_read_claim, layout.claim_at(number)) for number in range(CLAIMS)]
    entries += [(_read_slot, layout.slot_at(number)) for number in range(header.slots)]
    for read_entry, at in entries:
        match read_entry(data, at, layout):
            case None:
                unreadable += 1
            case UnderWay() as claim:
                claims.append(claim)
            case Answered() as one:
                answered.append(one)
            case (Word.LEASED, key):
                leased.append(key)
            case (Word.DOT, key):
                dot.append(key)
    return Recording(
        header=header,
        claims=tuple(claims),
        leased=tuple(leased),
        dot=tuple(dot),
        answered=tuple(answered),
        unreadable=unreadable,
    )


def read_header(data: bytes) -> Header | None:
    """The header; None where it is not believed."""
    end = _HEADER.size + _CHECKSUM.size
    if len(data) < _SLOTS_AT or _CHECKSUM.unpack_from(data, _HEADER.size)[0] != crc32(data[: _HEADER.size]):
        return None
    magic, version, slots, seal, boot_id, worker, host, monotonic, wall = _HEADER.unpack(data[: end - _CHECKSUM.size])
    if magic != MAGIC or version != VERSION or slots > MAX_SLOTS:
        return None
    return Header(
        worker=UUID(bytes=worker),
        boot_id=UUID(bytes=boot_id),
        host=host.rstrip(b"\0").decode("utf-8", "replace"),
        slots=slots,
        monotonic=monotonic,
        wall=wall,
        sealed=bool(seal) and seal == _SEALED | crc32(data[SEALED_FROM:]) and len(data) == Layout(slots=slots).size,
    )


_Entry = UnderWay | Answered | tuple[Word, SlotKey] | Word | None


def _read_claim(data: bytes, at: int, layout: Layout) -> _Entry:
    """A claim under way; FREE; or None, unreadable."""
    word, packed = _word(data, at), data[at + 8 : at + 8 + _CLAIM.size]
    if word == Word.FREE:
        return Word.FREE
    if word != Word.CLAIMED or _CHECKSUM.unpack_from(data, at + 8 + _CLAIM.size)[0] != crc32(packed):
        return None
    owner, ends = _CLAIM.unpack(packed)
    return UnderWay(owner=UUID(bytes=owner), ends=ends)


def _read_slot(data: bytes, at: int, layout: Layout) -> _Entry:
    """A slot's state and key, or its answer; FREE; or None, unreadable."""
    word = _word(data, at)
    if word == Word.FREE:
        return Word.FREE
    packed = data[at + _KEY_AT : at + _KEY_AT + _KEY.size]
    if word not in (Word.LEASED, Word.DOT, Word.ANSWERED) or len(data) < at + SLOT_BYTES:
        return None
    checksum: int = _CHECKSUM.unpack_from(data, at + _KEY_AT + _KEY.size)[0]
    if checksum != crc32(packed):
        return None
    customer_id, message_id, owner, recipient_no, attempt = _KEY.unpack(packed)
    key = SlotKey(
        customer_id=customer_id,
        message_id=UUID(bytes=message_id),
        recipient_no=recipient_no,
        attempt=attempt,
        owner=UUID(bytes=owner),
    )
    if word == Word.ANSWERED:
        return _read_answer(data, at, layout, key=key, key_checksum=checksum)
    return Word(word), key


def _word(data: bytes, at: int) -> int | None:
    """The word at this place, which was stored in the machine's own order; None behind the end."""
    return int.from_bytes(data[at : at + 8], sys.byteorder) if len(data) >= at + 8 else None


def _read_answer(data: bytes, at: int, layout: Layout, *, key: SlotKey, key_checksum: int) -> Answered | None:
    length, checksum, block = _ANSWER.unpack_from(data, at + _ANSWER_AT)
    if block == NO_BLOCK:
        start, room = at + _WORDS_AT, SLOT_ROOM
    elif block < BLOCKS:
        start, room = layout.block_at(block), BLOCK_BYTES
    else:
        return None
    packed = data[start : start + length]
    if length > room or len(packed) < length or crc32(packed, key_checksum) != checksum:
        return None
    try:
        return _unpack_answer(orjson.loads(packed), key)
    except (ValueError, TypeError, OverflowError):  # the checksum is right, the content of another version
        return None


def _unpack_answer(entry: Any, key: SlotKey) -> Answered:
    stage, dot_sent, took_ms, ended, relay, host, tls, domain, mail_sha256_hex, response, fault = entry
    reply = _response(*response) if response else None
    exchange = Exchange(
        replies=(reply,) if reply else (),
        response=reply,
        fault=_fault(*fault) if fault else None,
        stage=Stage(stage),
        dot_sent=bool(dot_sent),
        relay=str(relay),
        host=host,
        tls=tls,
        started_at=_NEVER,  # only `took_ms` and the end are recorded
        took_ms=int(took_ms),
    )
    named = SlotKey(
        customer_id=key.customer_id,
        message_id=key.message_id,
        recipient_no=key.recipient_no,
        attempt=key.attempt,
        owner=key.owner,
        domain=str(domain),
    )
    return Answered(key=named, exchange=exchange, mail_sha256_hex=str(mail_sha256_hex), ended=float(ended))


def _response(code: int, enhanced: str | None, text: str, stage: str) -> Response:
    return Response(code=int(code), enhanced=enhanced, text=str(text), stage=Stage(stage))


def _fault(kind: str, stage: str, text: str, words: str | None) -> Fault:
    return Fault(kind=FaultKind(kind), stage=Stage(stage), text=str(text), words=words)
