"""What a flight recorder's file says, whole or damaged: what does not agree is not believed, and hides nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from hypothesis import given, strategies

from gateway.delivery.flight_recorder import FlightRecorder
from gateway.delivery.recorder_file import (
    BLOCK_BYTES,
    BLOCKS,
    CLAIMS,
    SEALED_FROM,
    SLOT_BYTES,
    Answered,
    Header,
    Layout,
    Recording,
    SlotKey,
    UnderWay,
    Word,
    read,
    read_header,
)
from gateway.mail.response import TRANSACTION_STAGES, Exchange, Fault, FaultKind, Response, Stage
from tests.engine import claimed
from tests.unit.exchanges import answered, broken

SLOTS = 12
WORKER = uuid4()


def open_recorder(slots: int = SLOTS, ended: float = 7.5) -> FlightRecorder:
    """In memory only."""
    return FlightRecorder.open(
        None, deployment="test", worker=WORKER, slots=slots, clock=lambda: ended, wall=lambda: 1000.0
    )


def image(recorder: FlightRecorder) -> bytes:
    """What the file of such a recorder holds."""
    return bytes(recorder.buffer)


def recording(data: bytes) -> Recording:
    """What is read of it."""
    found = read(data)
    assert found is not None
    return found


def key_of(row: object, domain: str = "") -> SlotKey:
    values = {name: getattr(row, name) for name in ("customer_id", "message_id", "recipient_no", "attempt", "owner")}
    return SlotKey(**values, domain=domain)


texts = strategies.text(strategies.characters(exclude_categories=["Cs"]), max_size=200)
responses = strategies.builds(
    Response,
    code=strategies.integers(200, 599),
    enhanced=strategies.none() | strategies.just("5.7.1"),
    text=texts,
    stage=strategies.sampled_from(TRANSACTION_STAGES),
)
faults = strategies.builds(
    Fault,
    kind=strategies.sampled_from(FaultKind),
    stage=strategies.sampled_from(TRANSACTION_STAGES),
    text=texts,
    words=strategies.none() | texts,
)
exchanges = strategies.builds(
    lambda response, fault, **values: Exchange(
        replies=(response,) if response else (), response=response, fault=fault, **values
    ),
    response=strategies.none() | responses,
    fault=strategies.none() | faults,
    stage=strategies.sampled_from(TRANSACTION_STAGES),
    dot_sent=strategies.booleans(),
    relay=texts,
    host=strategies.none() | texts,
    tls=strategies.none() | strategies.just("TLSv1.3"),
    started_at=strategies.just(datetime.fromtimestamp(0, UTC)),
    took_ms=strategies.integers(0, 10**9),
)
rows = strategies.builds(
    claimed,
    customer_id=strategies.integers(1, 2**63 - 1),
    message_id=strategies.uuids(),
    owner=strategies.uuids(),
    recipient_no=strategies.integers(0, 2**15 - 1),
    attempt=strategies.integers(1, 2**15 - 1),
)


@given(row=rows, exchange=exchanges, domain=texts, ended=strategies.floats(0, 1e9))
def test_an_answer_is_read_as_it_was_written(row: object, exchange: Exchange, domain: str, ended: float) -> None:
    recorder = open_recorder(ended=ended)
    slot = recorder.lease(row, domain)  # type: ignore[arg-type]  # a row from nowhere
    assert slot is not None
    slot.mail_sha256_hex = "ab" * 32
    slot.mark_dot()
    slot.mark_answered(exchange)

    [found] = recording(image(recorder)).answered

    assert found == Answered(key=key_of(row, domain), exchange=exchange, mail_sha256_hex="ab" * 32, ended=ended)


def test_each_stage_is_read_as_what_it_is() -> None:
    recorder = open_recorder()
    rows = [claimed() for _ in range(5)]
    slots = [recorder.lease(row, "") for row in rows]
    leased, dot, done, refused, _ = slots
    assert leased
    assert dot
    assert done
    assert refused
    dot.mark_dot()
    done.mark_dot()
    done.mark_answered(answered("END_OF_DATA 250 2.0.0 Ok"))
    refused.mark_answered(answered("RCPT 550 5.1.1 unknown"))

    found = recording(image(recorder))

    assert set(found.leased) == {key_of(rows[0]), key_of(rows[4])}
    assert found.dot == (key_of(rows[1]),)
    assert {one.key for one in found.answered} == {key_of(rows[2]), key_of(rows[3])}
    assert found.unreadable == 0

    # When all are settled, nothing is left, and the slots serve other mail
    for slot in slots:
        assert slot
        slot.free()
    assert recording(image(recorder)) == Recording(header=found.header)
    assert recorder.left == 0
    assert len([recorder.lease(claimed(), "") for _ in range(SLOTS)]) == SLOTS


def test_without_a_free_slot_a_mail_is_not_noted_and_nothing_fails() -> None:
    recorder = open_recorder(slots=1)
    assert recorder.lease(claimed(), "") is not None
    assert recorder.lease(claimed(), "") is None
    assert recorder.left == 1


def test_a_slot_that_was_given_up_is_not_read_and_never_another_mails() -> None:
    recorder = open_recorder(slots=1)
    slot = recorder.lease(claimed(), "")
    assert slot is not None
    slot.give_up()
    slot.free()
    assert recording(image(recorder)).leased == ()
    assert recorder.lease(claimed(), "") is None
    assert recorder.left == 0


def test_claims_are_noted_until_they_end() -> None:
    recorder = open_recorder()
    first, second = uuid4(), uuid4()
    recorder.begin_claim(first, ends=60.0)
    recorder.begin_claim(second, ends=61.0)
    recorder.end_claim(first)
    recorder.end_claim(uuid4())  # of which there was no note
    assert recording(image(recorder)).claims == (UnderWay(owner=second, ends=61.0),)
    assert recorder.left == 1

    # More than there is room for are not noted; the places of those that end are used again
    for _ in range(2 * CLAIMS):
        recorder.begin_claim(uuid4(), ends=1.0)
    assert len(recording(image(recorder)).claims) == CLAIMS
    recorder.end_claim(second)
    recorder.begin_claim(first, ends=2.0)
    assert UnderWay(owner=first, ends=2.0) in recording(image(recorder)).claims


def said(text: str) -> Exchange:
    """A refusal in these words."""
    response = Response(code=550, enhanced=None, text=text, stage=Stage.END_OF_DATA)
    return replace(answered("END_OF_DATA 550 no"), response=response)


# Long replies ----------------------------------------------------------------------------------------------------


def test_a_reply_of_64_kib_is_kept_whole_while_there_are_blocks_and_cut_to_a_slot_after() -> None:
    recorder = open_recorder()
    exchange = said("x" * 65_536)
    slots = [recorder.lease(claimed(), "") for _ in range(BLOCKS + 1)]
    for slot in slots:
        assert slot is not None
        slot.mark_answered(exchange)

    lengths = lengths_of(recorder)
    assert lengths[1:] == [65_536] * BLOCKS
    assert 4096 <= lengths[0] < SLOT_BYTES
    # A block serves again when its mail is settled
    assert slots[0] is not None
    slots[0].free()
    again = recorder.lease(claimed(), "")
    assert again is not None
    again.mark_answered(exchange)
    assert lengths_of(recorder)[1:] == [65_536] * BLOCKS


def lengths_of(recorder: FlightRecorder) -> list[int]:
    """Of the replies that are kept, in order."""
    found = [one.exchange.response for one in recording(image(recorder)).answered]
    return sorted(len(response.text) for response in found if response is not None)


def test_words_that_grow_in_the_file_are_cut_to_what_it_holds() -> None:
    recorder = open_recorder()
    exchange = said("\N{PILE OF POO}\n" * 32_768)
    slot = recorder.lease(claimed(), "")
    assert slot is not None
    slot.mark_answered(exchange)
    [found] = recording(image(recorder)).answered
    assert found.exchange.response is not None
    assert BLOCK_BYTES / 8 < len(found.exchange.response.text) < BLOCK_BYTES


def test_an_answer_that_cannot_be_kept_leaves_what_was_noted() -> None:
    recorder = open_recorder()
    slot = recorder.lease(claimed(), "")
    assert slot is not None
    slot.mark_dot()
    slot.mark_answered(replace(answered("END_OF_DATA 250 Ok"), host="\ud800"))
    slot.mark_answered(replace(answered("END_OF_DATA 250 Ok"), host="h" * 2 * BLOCK_BYTES))
    found = recording(image(recorder))
    assert (len(found.dot), found.answered, found.unreadable) == (1, (), 0)


# Damage ----------------------------------------------------------------------------------------------------------


def full_image() -> tuple[bytes, Recording]:
    """A file with entries of every kind."""
    recorder = open_recorder()
    recorder.begin_claim(uuid4(), ends=9.0)
    slots = [recorder.lease(claimed(), "a.example") for _ in range(6)]
    for slot in slots[2:]:
        assert slot is not None
        slot.mark_dot()
    for slot in slots[4:]:
        assert slot is not None
        slot.mark_answered(answered("END_OF_DATA 451 4.7.1 later"))
    data = image(recorder)
    return data, recording(data)


FULL, WHOLE = full_image()


@given(at=strategies.integers(0, Layout(slots=SLOTS).size - 9), wrong=strategies.binary(min_size=1, max_size=9))
def test_damage_at_any_place_takes_no_more_than_its_own_entry(at: int, wrong: bytes) -> None:
    damaged = FULL[:at] + wrong + FULL[at + len(wrong) :]
    found = read(damaged)
    if found is None:
        assert read_header(damaged) is None
        return
    kept = [*found.claims, *found.leased, *found.dot, *found.answered]
    all_of_it = [*WHOLE.claims, *WHOLE.leased, *WHOLE.dot, *WHOLE.answered]
    # Two neighbours at most; and a slot whose key or word is damaged is nobody's, never another's
    assert len([one for one in all_of_it if one not in kept]) <= 2
    assert all(one in all_of_it for one in kept)


@given(length=strategies.integers(0, len(FULL)))
def test_a_file_that_ends_early_says_what_it_has(length: int) -> None:
    found = read(FULL[:length])
    if found is not None:
        assert set(found.leased) <= set(WHOLE.leased)
        assert {one.key for one in found.answered} <= {one.key for one in WHOLE.answered}


@given(strategies.binary(max_size=10_000))
def test_garbage_is_no_recorder(garbage: bytes) -> None:
    assert read(garbage) is None
    assert read(FULL[:SEALED_FROM] + garbage) is None or len(garbage) >= 4096 - SEALED_FROM


def test_an_answer_belongs_to_the_mail_it_was_written_for() -> None:
    """After a loss of power a slot may hold the key of one mail and the answer of the one before."""
    recorder = open_recorder(slots=1)
    slot = recorder.lease(claimed(), "")
    assert slot is not None
    slot.mark_answered(answered("END_OF_DATA 250 Ok"))
    slot.free()
    slot = recorder.lease(claimed(), "")
    assert slot is not None
    recorder.words[recorder.layout.slot_at(0) // 8] = int(Word.ANSWERED)
    assert (recording(image(recorder)).answered, recording(image(recorder)).unreadable) == ((), 1)


# A sealed copy ---------------------------------------------------------------------------------------------------


def test_a_sealed_copy_says_the_same_and_that_it_is_whole() -> None:
    recorder = open_recorder()
    slot = recorder.lease(claimed(), "")
    assert slot is not None
    slot.mark_answered(broken("END_OF_DATA TIMEOUT", dot_sent=True))
    sealed = recorder.seal(now=20.0, wall=2000.0)

    found = recording(sealed)
    assert found.answered == recording(image(recorder)).answered
    assert (found.header.sealed, found.header.monotonic, found.header.wall) == (True, 20.0, 2000.0)
    assert not recording(image(recorder)).header.sealed


@given(at=strategies.integers(SEALED_FROM, len(FULL) - 1))
def test_a_byte_that_changed_breaks_the_seal(at: int) -> None:
    sealed = open_recorder().seal(now=20.0, wall=2000.0)
    damaged = sealed[:at] + bytes([sealed[at] ^ 0xFF]) + sealed[at + 1 :]
    header = read_header(damaged)
    assert header is not None
    assert not header.sealed
    assert not recording(sealed[:-1]).header.sealed


def test_a_header_names_its_worker_and_machine() -> None:
    header = recording(FULL).header
    assert header == Header(
        worker=WORKER,
        boot_id=header.boot_id,
        host=header.host,
        slots=SLOTS,
        monotonic=7.5,
        wall=1000.0,
    )
    assert header.host
    assert isinstance(header.boot_id, UUID)
