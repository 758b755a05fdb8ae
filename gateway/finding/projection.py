"""Search rows: of each message what it is found by across customers, read from the ledger as it is now.

Whatever changed of a message, its row is read and written anew: changes may come in any order and several times.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.finding.booking import FACTS, Booking, Facts, book
from gateway.mail.address import domain_of
from gateway.mail.message import NEED_ATTENTION, MessageRef
from gateway.mail.search_words import MailTexts, mail_words
from gateway.mail.source import Direction
from gateway.value import value

LONGEST_DOMAIN = 253
"""Characters of a domain (RFC 1035 2.3.4): what is longer is none, and is found by the whole address alone."""


_COLUMNS = ("id", "customer_id", "slice", "address_hash", "took_ms", *FACTS)
"""Of a search row without words."""
_facts_of = attrgetter(*FACTS)


async def write_search_rows(connection: Connection, deployment: Deployment, changed: Sequence[MessageRef]) -> None:
    """Write the search rows of these messages, each named once, as the ledger has them now; book what they count as."""
    found = QUERIES.messages_to_find(
        connection,
        customer_ids=[ref.customer_id for ref in changed],
        message_ids=[ref.message_id for ref in changed],
    )
    messages = [row async for row in found]
    if not messages:
        return
    alike = [_Alike(_domain(row), row["sender_id"], row["relay"], _shared_of(row)) for row in messages]
    facts = await _facts(connection, set(alike))
    words = await _words_of(connection, [row for row in messages if has_words(row)])
    known = {row["id"] for row in messages if row["is_known"]}
    rows = [
        SearchRow(
            id=row["id"],
            customer_id=row["customer_id"],
            address_hash=_hash_of(row, deployment),
            took_ms=row["took_ms"],
            bucket=row["bucket"],
            words=" ".join(words.get(row["id"], ())) or None,
            facts=facts[one],
        )
        for row, one in zip(messages, alike, strict=True)
    ]
    booking = Booking()
    lean = [row for row in rows if row.words is None and row.id not in known]
    others = [row for row in rows if row.words is not None or row.id in known]
    await insert_rows(connection, lean, booking)
    await _merge(connection, others, booking)
    await book(connection, booking)
    await QUERIES.keep_latest(connection, customer_ids=[row.customer_id for row in rows], ids=[row.id for row in rows])
    await QUERIES.clean_search_words(connection)


@value
class SearchRow:
    """One message as it is found; `words`: lexemes with spaces between."""

    id: UUID
    customer_id: int
    address_hash: int | None
    took_ms: int | None
    bucket: int | None
    words: str | None
    facts: Facts


async def insert_rows(connection: Connection, rows: Sequence[SearchRow], booking: Booking) -> None:
    """Rows that are not there yet and have no words, as nearly all campaign mail: by COPY, which costs less than half
    of what an upsert does. Nobody else inserts meanwhile: the job holds its lock."""
    if not rows:
        return
    slices = [row async for row in QUERIES.slices_from(connection, first=min(row.id for row in rows))]
    firsts = [each["first_id"].int for each in slices]
    records, filled = [], Counter[int]()
    for row in rows:
        number = slices[bisect_right(firsts, row.id.int) - 1]["no"]
        filled[number] += 1
        records.append((row.id, row.customer_id, number, row.address_hash, row.took_ms, *_facts_of(row.facts)))
        booking.add(row.id, row.facts, row.bucket)
    await connection.copy_records_to_table("message_search", records=records, columns=_COLUMNS)
    await QUERIES.fill_slices(connection, nos=list(filled), rows=list(filled.values()))


async def _merge(connection: Connection, rows: Sequence[SearchRow], booking: Booking) -> None:
    """Rows that have words, or that may be there already."""
    if not rows:
        return
    places: dict[Facts, int] = {}
    written = QUERIES.merge_search_rows(
        connection,
        customer_ids=[row.customer_id for row in rows],
        ids=[row.id for row in rows],
        address_hashes=[row.address_hash for row in rows],
        took_ms=[row.took_ms for row in rows],
        words=[row.words for row in rows],
        places=[places.setdefault(row.facts, len(places)) for row in rows],
        alike=[{"n": place} | asdict(facts) for facts, place in places.items()],
    )
    async for row in written:
        now = Facts(**{name: row[name] for name in FACTS})
        if row["is_new"]:
            booking.add(row["id"], now, row["bucket"])
        else:
            before = Facts(**{name: row[f"old_{name}"] for name in FACTS})
            booking.change(row["id"], (before, row["old_bucket"]), (now, row["bucket"]))


def has_words(row: Any) -> bool:
    """Whether a message is found by words: all mail but that of campaigns, and what of theirs failed. Words cost more
    than sending a mail does, and an accepted one has those of its mailing."""
    return row["mailing_id"] is None or row["status"] in NEED_ATTENTION


async def _words_of(connection: Connection, messages: Sequence[Any]) -> dict[UUID, Sequence[str]]:
    if not messages:
        return {}
    found = QUERIES.texts_to_find(
        connection,
        customer_ids=[row["customer_id"] for row in messages],
        message_ids=[row["id"] for row in messages],
    )
    return {row["id"]: mail_words(_texts(row)) async for row in found}


def _texts(row: Any) -> MailTexts:
    return MailTexts(**{field.name: row[field.name] for field in fields(MailTexts)})


class _Alike(NamedTuple):
    """What messages of a batch mostly share: names that are still to be numbered, and the other facts, as `_SHARED`."""

    domain: str | None
    sender_id: UUID | None
    relay: str | None
    shared: tuple[Any, ...]

    @property
    def names(self) -> tuple[tuple[str, str] | None, tuple[str, str] | None, tuple[str, str] | None]:
        """The domain, the sender and the relay, each with its kind; None where there is none."""
        return (
            ("DOMAIN", self.domain) if self.domain else None,
            ("SENDER", str(self.sender_id)) if self.sender_id else None,
            ("RELAY", self.relay) if self.relay else None,
        )


_SHARED = tuple(name for name in FACTS if name not in ("domain_no", "sender_no", "relay_no"))
_shared_of = itemgetter(*_SHARED)


async def _facts(connection: Connection, alike: Collection[_Alike]) -> dict[_Alike, Facts]:
    """The facts of messages that are alike, once for all of them: their names are numbered."""
    wanted = sorted({name for one in alike for name in one.names if name is not None})
    numbered = QUERIES.number_names(connection, kinds=[kind for kind, _ in wanted], names=[name for _, name in wanted])
    numbers: dict[tuple[str, str] | None, int] = {(row["kind"], row["name"]): row["no"] async for row in numbered}
    return {one: _numbered(one, [numbers.get(name) for name in one.names]) for one in alike}


def _numbered(alike: _Alike, numbers: Sequence[int | None]) -> Facts:
    domain_no, sender_no, relay_no = numbers
    shared: dict[str, Any] = dict(zip(_SHARED, alike.shared, strict=True))
    return Facts(domain_no=domain_no, sender_no=sender_no, relay_no=relay_no, **shared)


def _domain(row: Any) -> str | None:
    address = _address(row)
    domain = domain_of(address) if address else ""
    return domain if 0 < len(domain) <= LONGEST_DOMAIN else None


def _address(row: Any) -> str | None:
    """The other side's address: whom it went to, or who wrote it."""
    address: str | None = row["recipient"] if row["direction"] == Direction.SENT else row["from_address"]
    return address


def _hash_of(row: Any, deployment: Deployment) -> int | None:
    address = _address(row)
    if address:
        return address_hash(deployment, address)
    return hash_of_key(row["recipient_key"]) if row["recipient_key"] else None


def address_hash(deployment: Deployment, address: str) -> int | None:
    """The number by which mail to or from an address is found; None for what is no address at all."""
    try:
        return hash_of_key(deployment.key_of(address))
    except UnicodeError:  # a domain that IDNA refuses (RFC 5891): a writer may have called himself anything
        return None


def hash_of_key(key: bytes) -> int:
    """The first eight bytes of an address's key, signed, as PostgreSQL's bigint."""
    return int.from_bytes(key[:8], "big", signed=True)
