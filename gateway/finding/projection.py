"""Search rows: of each message what it is found by across customers, read from the ledger as it is now.

Whatever changed of a message, its row is read and written anew: changes may come in any order and several times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any
from uuid import UUID

from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.mail.address import domain_of
from gateway.mail.message import NEED_ATTENTION, MessageRef
from gateway.mail.search_words import MailTexts, mail_words
from gateway.mail.source import Direction
from gateway.value import value

LONGEST_DOMAIN = 253
"""Characters of a domain (RFC 1035 2.3.4): what is longer is none, and is found by the whole address alone."""


@value
class _Alike:
    """What search rows mostly share, as `write_search_rows` reads it: a letter a name."""

    m: int | None
    d: int | None
    s: int | None
    r: int | None
    t: str | None
    w: str
    z: str
    u: str | None
    k: bool
    o: bool
    l: bool  # noqa: E741
    p: bool
    f: int


async def write_search_rows(connection: Connection, deployment: Deployment, changed: Sequence[MessageRef]) -> None:
    """Write the search rows of these messages, each named once, as the ledger has them now."""
    found = QUERIES.messages_to_find(
        connection,
        customer_ids=[ref.customer_id for ref in changed],
        message_ids=[ref.message_id for ref in changed],
    )
    messages = [row async for row in found]
    if not messages:
        return
    numbers = await _number_names(connection, messages)
    words = await _words_of(connection, [row for row in messages if has_words(row)])
    places: dict[_Alike, int] = {}
    await QUERIES.write_search_rows(
        connection,
        customer_ids=[row["customer_id"] for row in messages],
        ids=[row["id"] for row in messages],
        address_hashes=[_hash_of(row, deployment) for row in messages],
        took_ms=[row["took_ms"] for row in messages],
        words=[" ".join(words.get(row["id"], ())) or None for row in messages],
        places=[places.setdefault(_alike(row, numbers), len(places)) for row in messages],
        alike=[{"n": place} | asdict(alike) for alike, place in places.items()],
    )
    await QUERIES.clean_search_words(connection)


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


def _names(row: Any) -> tuple[tuple[str, str] | None, tuple[str, str] | None, tuple[str, str] | None]:
    """The domain, the sender and the relay of a message, each with its kind; None where it has none."""
    address = _address(row)
    domain = domain_of(address) if address else ""
    return (
        ("DOMAIN", domain) if 0 < len(domain) <= LONGEST_DOMAIN else None,
        ("SENDER", str(row["sender_id"])) if row["sender_id"] else None,
        ("RELAY", row["relay"]) if row["relay"] else None,
    )


async def _number_names(connection: Connection, messages: Sequence[Any]) -> dict[tuple[str, str] | None, int]:
    wanted = sorted({name for row in messages for name in _names(row) if name is not None})
    numbered = QUERIES.number_names(connection, kinds=[kind for kind, _ in wanted], names=[name for _, name in wanted])
    return {(row["kind"], row["name"]): row["no"] async for row in numbered}


def _alike(row: Any, numbers: dict[tuple[str, str] | None, int]) -> _Alike:
    domain, sender, relay = _names(row)
    return _Alike(
        m=row["mailing_id"],
        d=numbers.get(domain),
        s=numbers.get(sender),
        r=numbers.get(relay),
        t=row["source_type"],
        w=row["direction"],
        z=row["status"],
        u=row["cause"],
        k=row["tracked"],
        o=row["opened"],
        l=row["clicked"],
        p=row["complained"],
        f=row["deferrals"],
    )


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
    except UnicodeError:  # a domain that IDNA refuses (RFC 5891): a sender may write anything there
        return None


def hash_of_key(key: bytes) -> int:
    """The first eight bytes of an address's key, signed, as PostgreSQL's bigint."""
    return int.from_bytes(key[:8], "big", signed=True)
