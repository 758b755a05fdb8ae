"""A query as the statements take it: names as numbers, a span of time as ids, a search as words or keys."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from asyncpg import Record

from gateway.mail.message import NEED_ATTENTION, Status
from service.database import Statement, statement
from service.errors import BadInput
from service.finding.query import WAITING, MessageQuery
from service.finding.search_text import named_message, words_of

SLACK = timedelta(seconds=2)
"""How far a message's id, which holds the moment it was made, and its date may lie apart: the date is that of the
transaction's start, and the date of received mail another server's."""
LOWEST = UUID(int=0)
HIGHEST = UUID(int=2**128 - 1)
MAX_SUBJECTS = 100
"""Mailings, the newest, whose subject has the words of a search."""

NUMBERS = statement("numbers_of_names")
CAMPAIGNS = statement("known_campaigns")
MAILINGS = statement("known_mailings")
SENDERS = statement("known_senders")
BY_SUBJECT = statement("mailings_by_subject")


class Fetcher(Protocol):
    """Runs one statement: a request's reading, or an export's connection."""

    def __call__(self, wanted: Statement, **values: Any) -> Awaitable[list[Record]]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A query with what its names stand for; `values` are the parameters of every statement, `terms` what its search
    asks for together."""

    query: MessageQuery
    values: Mapping[str, Any]
    terms: tuple[str, ...] = ()
    low: UUID = LOWEST
    high: UUID = HIGHEST
    nothing: bool = False

    @property
    def words(self) -> str | None:
        """The words of its search, as a tsquery."""
        words: str | None = self.values["words"]
        return words


async def resolve(fetch: Fetcher, query: MessageQuery) -> Wanted:
    """Raises BadInput for a campaign, a mailing or a sender that there is not."""
    query = _with_named_message(query)
    mailing_ids = await _mailings(fetch, query)
    await _check_senders(fetch, query)
    numbers = await _numbers(fetch, query)
    low, high, sure_low, sure_high = _span(query)
    words = words_of(query.search) if query.search and query.search_hash is None else None
    asked = {"words": words.lexemes if words else None, "recheck": words.recheck if words else None}
    values: dict[str, Any] = {
        "customer_ids": _list(query.customer_ids),
        "statuses": _list(query.statuses),
        "causes": _list(query.causes),
        "source_types": _list(query.source_types),
        "direction": query.direction,
        "mailing_ids": mailing_ids,
        "sender_ids": _list(query.sender_ids),
        "relays": _list(query.relays),
        "domains": _list(query.domains),
        "addresses": _list(query.addresses) or [],
        **numbers,
        "address_hashes": _list(query.address_hashes),
        "search_hash": query.search_hash,
        "search_address": query.search if query.search_hash is not None else None,
        "opened": query.opened,
        "clicked": query.clicked,
        "tracked": query.tracked,
        "needs_attention": query.needs_attention,
        **asked,
        "subjects": await _subjects(fetch, asked) if words else [],
        "sure_low": sure_low,
        "sure_high": sure_high,
        "since": query.since,
        "until": query.until,
    }
    return Wanted(
        query=query,
        values=values,
        terms=words.terms if words else (),
        low=low,
        high=high,
        nothing=query.finds_nothing or mailing_ids == [],
    )


def stored_statuses(query: MessageQuery) -> frozenset[Status] | None:
    """The statuses that search rows have of such mail; None for any."""
    wanted = None if query.statuses is None else frozenset(query.statuses)
    if query.needs_attention:
        wanted = NEED_ATTENTION if wanted is None else wanted & NEED_ATTENTION
    return None if wanted is None else frozenset(Status.QUEUED if one in WAITING else one for one in wanted)


def _with_named_message(query: MessageQuery) -> MessageQuery:
    """A search for one message is a filter by its key."""
    named = named_message(query.search) if query.search else None
    if named is None:
        return query
    ids = (named,) if query.ids is None or named in query.ids else ()
    return replace(query, ids=ids, search=None, search_hash=None)


async def _mailings(fetch: Fetcher, query: MessageQuery) -> list[int] | None:
    """Those that the campaigns and mailings of a query are; None when it has neither."""
    if query.mailing_ids is None and query.campaign_ids is None:
        return None
    asked, campaigns = query.mailing_ids or (), query.campaign_ids or ()
    found = await fetch(MAILINGS, mailing_ids=list(asked), campaign_ids=list(campaigns))
    known = {row["id"]: row["campaign_id"] for row in found}
    faults = [f"there is no Mailing_{one}" for one in asked if one not in known]
    if missing := set(campaigns) - set(known.values()):  # a campaign may have no mailing
        there = {row["id"] for row in await fetch(CAMPAIGNS, campaign_ids=list(missing))}
        faults += [f"there is no Campaign_{one.hex}" for one in campaigns if one in missing - there]
    if faults:
        raise BadInput("filter", "; ".join(faults[:20]))
    return sorted(
        mailing
        for mailing, campaign in known.items()
        if (query.mailing_ids is None or mailing in asked) and (query.campaign_ids is None or campaign in campaigns)
    )


async def _subjects(fetch: Fetcher, words: Mapping[str, str | None]) -> list[int]:
    """The newest mailings whose subject has these words."""
    return [row["mailing_id"] for row in await fetch(BY_SUBJECT, **words, limit=MAX_SUBJECTS)]


async def _check_senders(fetch: Fetcher, query: MessageQuery) -> None:
    if not query.sender_ids:
        return
    known = {row["id"] for row in await fetch(SENDERS, sender_ids=list(query.sender_ids))}
    if faults := [f"there is no Sender_{one.hex}" for one in query.sender_ids if one not in known]:
        raise BadInput("filter", "; ".join(faults[:20]))


async def _numbers(fetch: Fetcher, query: MessageQuery) -> dict[str, list[int] | None]:
    """By the parameter's name; what no search row has is left out."""
    named: dict[str, Sequence[str] | None] = {
        "DOMAIN": query.domains,
        "RELAY": query.relays,
        "SENDER": None if query.sender_ids is None else [str(one) for one in query.sender_ids],
    }
    pairs = [(kind, name) for kind, names in named.items() for name in names or ()]
    rows: list[Record] = []
    if pairs:
        rows = await fetch(NUMBERS, kinds=[kind for kind, _ in pairs], names=[name for _, name in pairs])
    return {
        f"{kind.lower()}_nos": None if names is None else [row["no"] for row in rows if row["kind"] == kind]
        for kind, names in named.items()
    }


def _span(query: MessageQuery) -> tuple[UUID, UUID, UUID, UUID]:
    """The ids between which its messages lie, both exclusive; and those between which they surely do."""
    low = sure_low = LOWEST
    high = sure_high = HIGHEST
    if query.since is not None:
        low, sure_low = UUID(int=max(0, id_at(query.since, -SLACK).int - 1)), id_at(query.since, SLACK)
    if query.until is not None:
        high, sure_high = id_at(query.until, SLACK), id_at(query.until, -SLACK)
    return low, high, sure_low, sure_high


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MILLISECOND = 2**48 - 1


def id_at(moment: datetime, shifted: timedelta = timedelta()) -> UUID:
    """The least id (RFC 9562 5.7) of that moment."""
    milliseconds = (moment - _EPOCH + shifted) // timedelta(milliseconds=1)
    return UUID(int=max(0, min(milliseconds, _LAST_MILLISECOND)) << 80)


def moment_of(id: UUID) -> datetime:
    """When such an id was made."""
    milliseconds = id.int >> 80
    return _EPOCH + timedelta(milliseconds=min(milliseconds, 253402300799999))


def _list(values: Iterable[Any] | None) -> list[Any] | None:
    return None if values is None else list(values)
