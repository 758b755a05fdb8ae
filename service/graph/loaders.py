"""Batched reads of nested rows for resolvers: one statement for all rows of a page, never one for each."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from asyncpg import Record
from strawberry.dataloader import DataLoader

from gateway.deployment import Deployment
from gateway.mail.message import ICON_COLORS, NEED_ATTENTION, MessageRef
from gateway.mail.source import ColorHint
from gateway.outbox.possible_actions import MessageAction, actions_of, read_standings
from gateway.outbox.relay_limits import RelayEvent, accepted_today, relay_events
from service.database import DatabasePools, Reading, Statement, statement

MessageKey = tuple[int, UUID]
Key = TypeVar("Key", bound=Hashable)

ATTENTION = [status.value for status in NEED_ATTENTION]
RED = [status.value for status, color in ICON_COLORS.items() if color is ColorHint.RED]

# Three lists of 100 messages each fit in one batch.
LARGEST_BATCH = 500


class Loaders:
    """One request's loaders, each made on first use."""

    def __init__(self, reading: Reading, pools: DatabasePools, deployment: Deployment) -> None:
        """`pools` and `deployment` are for what the gateway's own functions read."""
        self._reading = reading
        self._pools = pools
        self._deployment = deployment

    @cached_property
    def messages(self) -> DataLoader[MessageKey, Record | None]:
        """Message rows by (customer, message)."""
        return self._one_by_message("messages_by_id", "id")

    @cached_property
    def attempts(self) -> DataLoader[MessageKey, list[Record]]:
        """Attempts of a message."""
        return self._many_by_message("attempts_of_messages")

    @cached_property
    def copies(self) -> DataLoader[MessageKey, list[Record]]:
        """Copies of a message."""
        return self._many_by_message("copies_of_messages")

    @cached_property
    def events(self) -> DataLoader[MessageKey, list[Record]]:
        """Events of a message."""
        return self._many_by_message("events_of_messages")

    @cached_property
    def attachments(self) -> DataLoader[MessageKey, list[Record]]:
        """Attachments of a message."""
        return self._many_by_message("attachments_of_messages")

    @cached_property
    def hits(self) -> DataLoader[MessageKey, Record | None]:
        """Click rows by (customer, hit)."""
        return self._one_by_message("hits_by_id", "id")

    @cached_property
    def customers(self) -> DataLoader[int, Record | None]:
        """Customer rows by id."""
        return self._one_by_id("customers_by_id", "id")

    @cached_property
    def addresses(self) -> DataLoader[int, list[Record]]:
        """Addresses of a customer."""
        return self._many_by_id("addresses_of_customers", "customer_id")

    @cached_property
    def opt_outs(self) -> DataLoader[int, list[Record]]:
        """Opt-outs in force for a customer."""
        return self._many_by_id("opt_outs_of_customers", "customer_id")

    @cached_property
    def latest(self) -> DataLoader[int, Record | None]:
        """The key of a customer's newest message."""
        return self._one_by_id("latest_messages", "customer_id")

    @cached_property
    def failed(self) -> DataLoader[int, Record | None]:
        """How many of a customer's newest messages failed, and how many are uncertain."""
        return self._one_by_id("failed_counts", "customer_id", red=RED, attention=ATTENTION)

    @cached_property
    def suppressions(self) -> DataLoader[UUID, Record | None]:
        """Suppressions, standing or lifted, by id."""
        return self._one_by_id("suppressions_by_id", "id")

    @cached_property
    def held(self) -> DataLoader[UUID, Record | None]:
        """How many messages are held for a suppressed address, by the suppression's id."""
        return self._one_by_id("held_counts", "id")

    @cached_property
    def actions(self) -> DataLoader[MessageKey, list[MessageAction]]:
        """What a person can do about a message, by the primary, as the mutations judge it; nothing of received mail."""

        async def load(keys: list[MessageKey]) -> list[list[MessageAction]]:
            refs = [MessageRef(customer_id=customer, message_id=message) for customer, message in keys]
            async with self._pools.writing_connection() as connection:
                found = await read_standings(connection, refs, self._deployment)
            return [actions_of(found[ref]) if ref in found else [] for ref in refs]

        return DataLoader(load, max_batch_size=LARGEST_BATCH)

    @cached_property
    def previews(self) -> DataLoader[UUID, Record | None]:
        """Previews by template version."""
        return self._one_by_id("previews_by_version", "id")

    @cached_property
    def campaigns(self) -> DataLoader[UUID, Record | None]:
        """Campaign rows by id."""
        return self._one_by_id("campaigns_by_id", "id")

    @cached_property
    def templates(self) -> DataLoader[UUID, Record | None]:
        """Template rows, with their newest version, by id."""
        return self._one_by_id("templates_by_id", "id")

    @cached_property
    def senders(self) -> DataLoader[UUID, Record | None]:
        """Sender rows, with their newest version, by id."""
        return self._one_by_id("senders_by_id", "id")

    @cached_property
    def relay_events(self) -> DataLoader[str, list[RelayEvent]]:
        """Troubles of a relay, by its name."""

        async def load(names: list[str]) -> list[list[RelayEvent]]:
            found: dict[str, list[RelayEvent]] = {name: [] for name in names}
            async with self._pools.reading_connection() as connection:
                for event in await relay_events(connection, *names):
                    found[event.relay].append(event)
            return [found[name] for name in names]

        return DataLoader(load, max_batch_size=LARGEST_BATCH)

    @cached_property
    def accepted_today(self) -> DataLoader[str, int]:
        """How many recipients a relay took today, by its name."""

        async def load(names: list[str]) -> list[int]:
            async with self._pools.reading_connection() as connection:
                accepted = await accepted_today(connection, self._deployment.settings.time_zone)
            return [accepted.get(name, 0) for name in names]

        return DataLoader(load, max_batch_size=LARGEST_BATCH)

    def _one_by_message(self, name: str, column: str) -> DataLoader[MessageKey, Record | None]:
        return self._one(statement(name), _message_keys, lambda row: (row["customer_id"], row[column]))

    def _many_by_message(self, name: str) -> DataLoader[MessageKey, list[Record]]:
        return self._many(statement(name), _message_keys, lambda row: (row["customer_id"], row["message_id"]))

    def _one_by_id(self, name: str, column: str, **values: Any) -> DataLoader[Any, Record | None]:
        return self._one(statement(name), lambda keys: {"ids": keys, **values}, lambda row: row[column])

    def _many_by_id(self, name: str, column: str) -> DataLoader[Any, list[Record]]:
        return self._many(statement(name), lambda keys: {"ids": keys}, lambda row: row[column])

    def _one(
        self, wanted: Statement, values: Callable[[Sequence[Key]], dict[str, Any]], key: Callable[[Record], Key]
    ) -> DataLoader[Key, Record | None]:
        async def load(keys: list[Key]) -> list[Record | None]:
            found = {key(row): row for row in await self._reading.fetch(wanted, **values(keys))}
            return [found.get(one) for one in keys]

        return DataLoader(load, max_batch_size=LARGEST_BATCH)

    def _many(
        self, wanted: Statement, values: Callable[[Sequence[Key]], dict[str, Any]], key: Callable[[Record], Key]
    ) -> DataLoader[Key, list[Record]]:
        async def load(keys: list[Key]) -> list[list[Record]]:
            found: dict[Key, list[Record]] = {one: [] for one in keys}
            for row in await self._reading.fetch(wanted, **values(keys)):
                found[key(row)].append(row)
            return [found[one] for one in keys]

        return DataLoader(load, max_batch_size=LARGEST_BATCH)


def _message_keys(keys: Sequence[MessageKey]) -> dict[str, Any]:
    return {"customer_ids": [customer for customer, _ in keys], "ids": [message for _, message in keys]}


async def existing_row(loader: DataLoader[Key, Record | None], key: Key) -> Record:
    """A row that must exist, such as the target of a foreign key. Raises LookupError: a bug of ours."""
    return _existing(await loader.load(key))


async def existing_rows(loader: DataLoader[Key, Record | None], keys: Sequence[Key]) -> list[Record]:
    """The same of many, by one statement."""
    return [_existing(row) for row in await loader.load_many(keys)]


def _existing(row: Record | None) -> Record:
    if row is None:
        raise LookupError("a row that must exist is missing")
    return row
