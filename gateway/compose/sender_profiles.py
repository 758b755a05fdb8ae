"""Senders: the profiles that mail is sent as. Versioned, so that an old mail can be composed again as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.database import QUERIES, Connection, ConnectionOrPool
from gateway.errors import Refusal, RefusalCode
from gateway.lru import LruCache
from gateway.mail.address import parse_address, parse_own_address, split_mailbox
from gateway.mail.card_number import refuse_card_number
from gateway.mail.field_checks import check_time_zone
from gateway.mail.header_guard import refuse_header_break, refuse_unwritable
from gateway.mail.names import tidy_name
from gateway.templates.localization import check_locale

DEFAULT_NAME = "default"
"""The sender made of DEFAULT_FROM."""

LONGEST_NAME = 255
LONGEST_SIGNATURE = 2000
LONGEST_POSTAL_ADDRESS = 500
"""Characters."""

_LOADED = LruCache[UUID, "SenderVersion"](256)


@dataclass(frozen=True, kw_only=True, slots=True)
class SenderVersion:
    """One version of a profile. `locale` (BCP 47) and `time_zone` (IANA) serve customers who have none of their own."""

    id: UUID
    sender_id: UUID
    name: str
    from_name: str | None
    from_address: str
    reply_to: str | None
    signature: str | None
    postal_address: str | None
    locale: str
    time_zone: str

    @property
    def mailbox(self) -> str:
        """`Name <address>`, for people to read."""
        return f"{self.from_name} <{self.from_address}>" if self.from_name else self.from_address

    @property
    def domain(self) -> str:
        """The domain of From: of the Message-ID, and of the DKIM key."""
        return self.from_address.rpartition("@")[2]


async def create(
    connection: Connection,
    *,
    name: str,
    from_address: str,
    from_name: str | None = None,
    reply_to: str | None = None,
    signature: str | None = None,
    postal_address: str | None = None,
    locale: str = "en",
    time_zone: str = "UTC",
    allow_reserved: bool = True,
) -> SenderVersion:
    """Write a profile, or a new version of the one with this name; returns the version in use when nothing differs.

    Raises Refusal. Reserved domains are accepted unless `allow_reserved` is false.
    """
    tidy = tidy_name(name)
    if tidy == DEFAULT_NAME:
        message = "The sender 'default' is made of DEFAULT_FROM: choose another name."
        raise Refusal(RefusalCode.CONFLICT, message, ("name",))
    if not tidy:
        raise Refusal(RefusalCode.REQUIRED, "This must not be empty.", ("name",))
    _check_line(name, ("name",))
    _check_line(from_name or "", ("fromName",))
    _check_text(signature or "", LONGEST_SIGNATURE, ("signature",))
    _check_text(postal_address or "", LONGEST_POSTAL_ADDRESS, ("postalAddress",))
    check_locale(locale, ("locale",))
    check_time_zone(time_zone, ("timeZone",))
    parsed_reply_to = (
        parse_own_address(reply_to, allow_reserved=allow_reserved, field=("replyTo",)) if reply_to else None
    )
    wanted = {
        "from_name": tidy_name(from_name or "") or None,
        "from_address": parse_own_address(from_address, allow_reserved=allow_reserved, field=("fromAddress",)).text,
        "reply_to": parsed_reply_to.text if parsed_reply_to else None,
        "signature": signature or None,
        "postal_address": postal_address.strip() or None if postal_address else None,
        "locale": locale,
        "time_zone": time_zone,
    }
    return await _version(connection, tidy, wanted)


async def current(connection: Connection, sender_id: UUID | None, *, default_from: str) -> SenderVersion:
    """Returns the version in use of a profile; without an id, of the one made of `default_from` (`Name <address>`).

    Raises Refusal(NOT_FOUND) for an unknown id.
    """
    row = await QUERIES.newest_sender_version(connection, sender_id=sender_id, name=DEFAULT_NAME)
    if sender_id is not None:
        if row is None:
            raise Refusal(RefusalCode.NOT_FOUND, "There is no such sender.", ("senderId",))
        return SenderVersion(**row)
    name, address = split_mailbox(default_from)
    name = tidy_name(name or "") or None
    parsed = parse_address(address, allow_reserved=True, field=("defaultFrom",)).text
    if row is not None and (row["from_name"], row["from_address"]) == (name, parsed):
        return SenderVersion(**row)
    wanted = {"from_name": name, "from_address": parsed, "reply_to": None, "signature": None, "postal_address": None}
    return await _version(connection, DEFAULT_NAME, wanted | {"locale": "en", "time_zone": "UTC"})


def recent(version_id: UUID) -> SenderVersion | None:
    """Returns one version where it is in memory."""
    return _LOADED.get(version_id)


async def load(connection: ConnectionOrPool, version_id: UUID) -> SenderVersion:
    """Returns one version; versions never change, so recent ones are kept in memory. Raises LookupError."""
    known = _LOADED.get(version_id)
    if known is not None:
        return known
    row = await QUERIES.sender_version_by_id(connection, version_id=version_id)
    if row is None:
        raise LookupError(f"no sender version {version_id}")
    return _LOADED.put(version_id, SenderVersion(**row))


async def _version(connection: Connection, name: str, wanted: dict[str, Any]) -> SenderVersion:
    """The profile's newest version when it has these values, else a new one that has."""
    async with connection.transaction():
        await QUERIES.insert_sender(connection, name=name)
        sender_id = await QUERIES.lock_sender_by_name(connection, name=name)
        newest = await QUERIES.newest_sender_version(connection, sender_id=sender_id, name=None)
        if newest is not None and {key: newest[key] for key in wanted} == wanted:
            return SenderVersion(**newest)
        made = await QUERIES.insert_sender_version(connection, sender_id=sender_id, **wanted)
    return SenderVersion(name=name, **made)


def _check_line(text: str, path: tuple[str, ...]) -> None:
    refuse_header_break(text, path)
    _check_text(text, LONGEST_NAME, path)


def _check_text(text: str, longest: int, path: tuple[str, ...]) -> None:
    refuse_unwritable(text, path)
    if len(text) > longest:
        raise Refusal(RefusalCode.TOO_LONG, f"At most {longest} characters.", path)
    refuse_card_number(text, path)
