"""Which mail a client asks for, of one customer or of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import strawberry

from gateway.deployment import Deployment
from gateway.errors import Refusal
from gateway.mail.address import LONGEST_ADDRESS, parse_address, with_a_labels
from gateway.mail.message import MessageRef, Status
from gateway.mail.source import Direction, SourceType
from gateway.mail.verdict import Cause
from service.errors import BadInput
from service.finding.query import MessageQuery
from service.finding.search_text import check_search, named_message
from service.graph.domain_name import read_domain
from service.graph.node import read_message_id, read_typed_id
from service.graph.time_range import TimeRangeInput

MAX_VALUES = 100
"""Values of one list of a filter: each is a range of an index."""
MAX_IDS = 1_000
"""Messages named one by one, and customers."""

SearchArgument = Annotated[
    str | None,
    strawberry.argument(
        description="Words of a subject, a name, a server's answer or before the @ of an address, from their first "
        "three letters on; a whole address, invoice or work-order number, Message-ID, message's id or queue id of a "
        "server. Accepted mail of a campaign has no words: only its mailing's subject, its address and its ids find it."
    ),
]


@strawberry.input(description="Which connection notes to list. What is given is ANDed; in a list, either suffices.")
class ConnectionNoteFilter:
    """Omitted or null does not filter; an empty list finds nothing."""

    source_types: list[SourceType] | None = strawberry.field(
        default=None, description="Only mail of these source types; received mail counts as what it answers."
    )
    direction: Direction | None = strawberry.field(default=None, description="Only sent, or only received mail.")
    statuses: list[Status] | None = strawberry.field(default=None, description="In these states.")
    causes: list[Cause] | None = strawberry.field(default=None, description="For these causes.")
    campaign_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Of these Campaigns.")
    mailing_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Of these Mailings.")
    sender_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Sent as these Senders, in any version."
    )
    relays: list[str] | None = strawberry.field(default=None, description="Last tried by these relays.")
    domains: list[str] | None = strawberry.field(default=None, description="To or from addresses of these domains.")
    addresses: list[str] | None = strawberry.field(default=None, description="To or from these whole addresses.")
    occurred_at: TimeRangeInput | None = strawberry.field(
        default=None, description="Put on their way, or received, in this span."
    )
    opened: bool | None = strawberry.field(default=None, description="Opened by a person, or not known to be.")
    clicked: bool | None = strawberry.field(default=None, description="Clicked in by a person, or not.")
    tracked: bool | None = strawberry.field(default=None, description="Tracked, or not.")
    needs_attention: bool | None = strawberry.field(default=None, description="Waiting for a person, or not.")


@strawberry.input(
    description=f"Which mail to list or act on. What is given is ANDed; in a list, either suffices; a list holds "
    f"{MAX_VALUES} values at most, `ids` {MAX_IDS:,}."
)
class MessageFilter(ConnectionNoteFilter):
    """The same, of all customers."""

    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description=f"These Messages, at most {MAX_IDS:,}."
    )
    customer_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Of these Customers.")


def query_of(filter: ConnectionNoteFilter | None, search: str | None, deployment: Deployment) -> MessageQuery:
    """What a filter and a search mean. Raises BadInput with all faults of the filter, or for the search."""
    reader = _Reader(filter or ConnectionNoteFilter(), deployment)
    values = reader.read()
    if reader.faults:
        raise BadInput("filter", "; ".join(reader.faults[:MAX_FAULTS]))
    return MessageQuery(**values, **_read_search(search, deployment))


MAX_FAULTS = 20
"""Faults that one message tells: a list of wrong ids would be long."""
_Read = TypeVar("_Read")


class _Reader:
    """Reads a filter's fields, and gathers what is wrong with them."""

    def __init__(self, filter: ConnectionNoteFilter, deployment: Deployment) -> None:
        self._filter = filter
        self._deployment = deployment
        self.faults: list[str] = []

    def read(self) -> dict[str, Any]:
        """The values of a query, by their names there."""
        asked = self._filter
        span = asked.occurred_at or TimeRangeInput()
        since, until = _aware(span.since), _aware(span.until)
        if since is not None and until is not None and since > until:
            self.faults.append("occurredAt: `since` is after `until`")
        addresses = self._addresses(asked.addresses)
        return {
            "ids": self._list("ids", getattr(asked, "ids", None), _message, "a Message's id", MAX_IDS),
            "customer_ids": self._list(
                "customerIds", getattr(asked, "customer_ids", None), _customer, "a Customer's id", MAX_VALUES
            ),
            "statuses": self._list("statuses", asked.statuses),
            "causes": self._list("causes", asked.causes),
            "source_types": self._list("sourceTypes", asked.source_types),
            "direction": asked.direction,
            "campaign_ids": self._list("campaignIds", asked.campaign_ids, _row_of("Campaign"), "a Campaign's id"),
            "mailing_ids": self._list("mailingIds", asked.mailing_ids, _mailing, "a Mailing's id"),
            "sender_ids": self._list("senderIds", asked.sender_ids, _row_of("Sender"), "a Sender's id"),
            "relays": self._list("relays", asked.relays),
            "domains": self._list("domains", asked.domains, read_domain, "a domain"),
            "addresses": addresses,
            "address_hashes": None if addresses is None else _hashes(addresses, self._deployment),
            "since": since,
            "until": until,
            "opened": asked.opened,
            "clicked": asked.clicked,
            "tracked": asked.tracked,
            "needs_attention": asked.needs_attention,
        }

    def _addresses(self, given: Sequence[str] | None) -> tuple[str, ...] | None:
        return self._list("addresses", given, _address, "a whole address")

    def _list(
        self,
        name: str,
        given: Sequence[Any] | None,
        read: Callable[[Any], _Read | None] | None = None,
        kind: str = "",
        most: int = MAX_VALUES,
    ) -> tuple[_Read, ...] | None:
        """Each value once; what cannot be read is a fault of its place."""
        if given is None:
            return None
        if len(given) > most:
            self.faults.append(f"{name}: holds at most {most:,}")
            return ()
        found = [one if read is None else read(one) for one in given]
        self.faults += [f"{name}[{place}]: is not {kind}" for place, one in enumerate(found) if one is None]
        return tuple(dict.fromkeys(one for one in found if one is not None))


def _aware(moment: datetime | None) -> datetime | None:
    """Without an offset it is UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _message(text: str) -> MessageRef | None:
    return read_message_id(text)


def _customer(text: str) -> int | None:
    found = read_typed_id(text, "Customer")
    return found.customer_id if found else None


def _mailing(text: str) -> int | None:
    found = read_typed_id(text, "Mailing")
    return found.number if found else None


def _row_of(kind: str) -> Callable[[str], UUID | None]:
    def read(text: str) -> UUID | None:
        found = read_typed_id(text, kind)
        return found.row_id if found else None

    return read


def _address(text: str) -> str | None:
    """In small letters, its domain in A-labels."""
    stored = with_a_labels(text.strip()).lower()
    local, at, domain = stored.rpartition("@")
    return stored if local and at and domain and len(stored) <= LONGEST_ADDRESS else None


def _hashes(addresses: Iterable[str], deployment: Deployment) -> tuple[int, ...]:
    found = (_hash_of(one, deployment) for one in addresses)
    return tuple(one for one in found if one is not None)


def _hash_of(address: str, deployment: Deployment) -> int | None:
    """The number by which search rows know an address: the first eight bytes of its key, as a bigint; None where no
    mail can be to it."""
    try:
        return int.from_bytes(deployment.key_of(address)[:8], "big", signed=True)
    except UnicodeError:
        return None


def _read_search(search: str | None, deployment: Deployment) -> dict[str, Any]:
    """Raises BadInput."""
    if search is None:
        return {}
    text = search.strip()
    check_search(text)
    if "@" in text and named_message(text) is None:
        try:
            address = parse_address(text, allow_reserved=True).text
        except Refusal:
            return {"search": text}
        return {"search": address.lower(), "search_hash": _hash_of(address, deployment)}
    return {"search": text}
