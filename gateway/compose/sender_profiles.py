"""Senders: the profiles that mail is sent as. Versioned, so that an old mail can be composed again as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.database import QUERIES, Connection, ConnectionOrPool
from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.lru import LruCache
from gateway.mail.address import domain_of, parse_address, parse_own_address, split_mailbox
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
    """One version of a profile. `locale` (BCP 47) and `time_zone` (IANA) serve customers who have none of their own.

    `track_replies`: Reply-To is an address of ours, so that replies join the history. `forward_replies_to`: the staff
    mailbox that replies are forwarded to.
    """

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
    track_replies: bool = False
    forward_replies_to: str | None = None

    @property
    def mailbox(self) -> str:
        """`Name <address>`, for people to read."""
        return f"{self.from_name} <{self.from_address}>" if self.from_name else self.from_address

    @property
    def domain(self) -> str:
        """The domain of From: of the Message-ID, and of the DKIM key."""
        return self.from_address.rpartition("@")[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressRules:
    """What a sender's addresses must heed: whether reserved domains are accepted, and our own domains that mail comes
    back to."""

    allow_reserved: bool = True
    bounce_domain: str | None = None
    reply_domain: str | None = None


WITHOUT_DOMAINS = AddressRules()
"""No mail comes back, and reserved domains are accepted."""


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
    track_replies: bool = False,
    forward_replies_to: str | None = None,
    rules: AddressRules = WITHOUT_DOMAINS,
) -> SenderVersion:
    """Write a profile, or a new version of the one with this name; returns the version in use when nothing differs.

    Raises Refusal, or Refusals for several.
    """
    refusals, tidy = RefusalCollector(), tidy_name(name)
    with refusals.check():
        _check_name(name, tidy)
    given = {
        "from_name": from_name,
        "from_address": from_address,
        "reply_to": reply_to,
        "signature": signature,
        "postal_address": postal_address,
        "locale": locale,
        "time_zone": time_zone,
        "track_replies": track_replies,
        "forward_replies_to": forward_replies_to,
    }
    return await _version(connection, tidy, _checked(given, rules, refusals))


async def update(
    connection: Connection, sender_id: UUID, changes: Mapping[str, Any], *, rules: AddressRules = WITHOUT_DOMAINS
) -> SenderVersion:
    """Write a new version of a profile, with `changes` (by the names that `create` has) and all else as it is; returns
    the version in use when nothing differs. Mail that is queued keeps the version it was queued with.

    Raises Refusal, or Refusals for several.
    """
    async with connection.transaction():
        newest = await QUERIES.newest_sender_version(connection, sender_id=sender_id, name=None)
        if newest is None:
            raise Refusal(RefusalCode.NOT_FOUND, "There is no such sender.", ("senderId",))
        refusals = RefusalCollector()
        if newest["name"] == DEFAULT_NAME and {"from_name", "from_address"} & changes.keys():
            with refusals.check():
                message = "The From of the sender 'default' is that of DEFAULT_FROM: change the setting."
                raise Refusal(RefusalCode.CONFLICT, message, ("fromAddress",))
        return await _version(connection, newest["name"], _checked(changes, rules, refusals))


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
    return await _version(connection, DEFAULT_NAME, {"from_name": name, "from_address": parsed})


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
    return remember(row)


def remember(row: Any) -> SenderVersion:
    """Returns the version of a row of `sender_version_by_id`, and keeps it in memory."""
    return _LOADED.put(row["id"], SenderVersion(**row))


_FIRST: Mapping[str, Any] = {
    **dict.fromkeys(("from_name", "reply_to", "signature", "postal_address", "forward_replies_to")),
    "locale": "en",
    "time_zone": "UTC",
    "track_replies": False,
}
"""What a profile's first version has where nothing is said."""


async def _version(connection: Connection, name: str, wanted: Mapping[str, Any]) -> SenderVersion:
    """The profile's newest version when it has these values, else a new one that has; what is not among them stays."""
    async with connection.transaction():
        await QUERIES.insert_sender(connection, name=name)
        sender_id = await QUERIES.lock_sender_by_name(connection, name=name)
        newest = await QUERIES.newest_sender_version(connection, sender_id=sender_id, name=None)
        if newest is not None and {key: newest[key] for key in wanted} == wanted:
            return SenderVersion(**newest)
        values = _FIRST if newest is None else {key: newest[key] for key in (*_FIRST, "from_address")}
        made = await QUERIES.insert_sender_version(connection, sender_id=sender_id, **{**values, **wanted})
    return SenderVersion(name=name, **made)


# What is given -----------------------------------------------------------------------------------------------------


def _checked(given: Mapping[str, Any], rules: AddressRules, refusals: RefusalCollector) -> dict[str, Any]:
    """The values as they are stored. Raises Refusal or Refusals, also for what `refusals` holds already."""
    stored = {}
    for name, said in given.items():
        with refusals.check():
            stored[name] = _CHECKS[name](said, rules)
    refusals.raise_any()
    return stored


def _check_name(name: str, tidy: str) -> None:
    if tidy == DEFAULT_NAME:
        message = "The sender 'default' is made of DEFAULT_FROM: choose another name."
        raise Refusal(RefusalCode.CONFLICT, message, ("name",))
    if not tidy:
        raise Refusal(RefusalCode.REQUIRED, "This must not be empty.", ("name",))
    _check_line(name, ("name",))


def _from_name(text: str | None, _: AddressRules) -> str | None:
    _check_line(text or "", ("fromName",))
    return tidy_name(text or "") or None


def _from_address(text: str | None, rules: AddressRules) -> str:
    path = ("fromAddress",)
    return parse_own_address(_required(text, path), allow_reserved=rules.allow_reserved, field=path).text


def _reply_to(text: str | None, rules: AddressRules) -> str | None:
    return parse_own_address(text, allow_reserved=rules.allow_reserved, field=("replyTo",)).text if text else None


def _signature(text: str | None, _: AddressRules) -> str | None:
    _check_text(text or "", LONGEST_SIGNATURE, ("signature",))
    return text or None


def _postal_address(text: str | None, _: AddressRules) -> str | None:
    _check_text(text or "", LONGEST_POSTAL_ADDRESS, ("postalAddress",))
    return (text or "").strip() or None


def _locale(text: str | None, _: AddressRules) -> str:
    path = ("locale",)
    check_locale(_required(text, path), path)
    return _required(text, path)


def _time_zone(text: str | None, _: AddressRules) -> str:
    path = ("timeZone",)
    check_time_zone(_required(text, path), path)
    return _required(text, path)


def _track_replies(wanted: bool | None, rules: AddressRules) -> bool:
    path = ("trackReplies",)
    if wanted is None:
        raise Refusal(RefusalCode.REQUIRED, "This is true or false.", path)
    if wanted and rules.reply_domain is None:
        message = "Replies cannot come back to us: REPLY_DOMAIN is not set."
        raise Refusal(RefusalCode.INVALID, message, path)
    return wanted


def _forward_replies_to(text: str | None, rules: AddressRules) -> str | None:
    """A mailbox elsewhere: a reply that is forwarded to a domain of ours would come back to us."""
    path = ("forwardRepliesTo",)
    if not text:
        return None
    address = parse_own_address(text, allow_reserved=rules.allow_reserved, field=path).text
    if is_under(domain_of(address), rules.bounce_domain) or is_under(domain_of(address), rules.reply_domain):
        message = "Mail to this domain comes back to us: give a mailbox that your staff read elsewhere."
        raise Refusal(RefusalCode.INVALID, message, path)
    return address


def is_under(domain: str, ours: str | None) -> bool:
    """Whether a domain, in small letters, is `ours` or below it."""
    return ours is not None and (domain == ours or domain.endswith(f".{ours}"))


_CHECKS: Mapping[str, Any] = {
    "from_name": _from_name,
    "from_address": _from_address,
    "reply_to": _reply_to,
    "signature": _signature,
    "postal_address": _postal_address,
    "locale": _locale,
    "time_zone": _time_zone,
    "track_replies": _track_replies,
    "forward_replies_to": _forward_replies_to,
}


def _required(text: str | None, path: tuple[str, ...]) -> str:
    if text is None:
        raise Refusal(RefusalCode.REQUIRED, "This must not be null.", path)
    return text


def _check_line(text: str, path: tuple[str, ...]) -> None:
    refuse_header_break(text, path)
    _check_text(text, LONGEST_NAME, path)


def _check_text(text: str, longest: int, path: tuple[str, ...]) -> None:
    refuse_unwritable(text, path)
    if len(text) > longest:
        raise Refusal(RefusalCode.TOO_LONG, f"At most {longest} characters.", path)
    refuse_card_number(text, path)
