"""Batched reads of nested rows for resolvers: one statement for all rows of a page, never one for each."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from asyncpg import Record
from strawberry.dataloader import DataLoader

from gateway.consent.suppressions import MAX_RELEASED, RECENTLY
from gateway.deployment import Deployment
from gateway.mail.address_solutions import Solution
from gateway.mail.mail_content import MailContent
from gateway.mail.message import ICON_COLORS, NEED_ATTENTION, MessageRef
from gateway.mail.source import ColorHint
from gateway.outbox.possible_actions import MessageAction, actions_of, read_standings, received_to_undo
from gateway.outbox.relay_limits import RelayEvent, accepted_today, destination_events, relay_events
from service.database import DatabasePools, Reading, statement
from service.errors import BadInput
from service.finding.query import MessageQuery
from service.finding.wanted import Wanted, resolve
from service.graph.address_solutions import read_solutions
from service.graph.candidates import candidates
from service.graph.connection import LARGEST_PAGE, Window
from service.graph.contents import Content, read_contents, read_texts
from service.graph.import_pages import ImportErrorPages
from service.graph.list_pages import ListPages
from service.graph.message_life import LifeWindow
from service.graph.waiting_list import read_counts

MessageKey = tuple[int, UUID]
Key = TypeVar("Key", bound=Hashable)

ATTENTION = [status.value for status in NEED_ATTENTION]
RED = [status.value for status, color in ICON_COLORS.items() if color is ColorHint.RED]

HISTORIES = statement("history_of_campaigns")
LIVES = statement("life_of_messages")
VERSIONS = statement("versions_of_templates")

# Three lists of 100 messages each fit in one batch.
LARGEST_BATCH = 500

One: TypeAlias = cached_property[DataLoader[Key, Record | None]]
"""Reads one row a key, if there is one."""
Many: TypeAlias = cached_property[DataLoader[Key, list[Record]]]
"""Reads any number of rows a key."""


def _one(name: str, *key: str, **values: Any) -> One[Any]:
    """Reads by a statement whose rows have their key in these columns."""
    wanted, key_of = statement(name), itemgetter(*key)

    def loader(loaders: Loaders) -> DataLoader[Any, Record | None]:
        async def load(keys: list[Any]) -> list[Record | None]:
            found = {key_of(row): row for row in await loaders.reading.fetch(wanted, **_ids(keys), **values)}
            return [found.get(one) for one in keys]

        return DataLoader(load, max_batch_size=LARGEST_BATCH)

    return cached_property(loader)


def _many(name: str, *key: str) -> Many[Any]:
    """The same of any number of rows a key."""
    wanted, key_of = statement(name), itemgetter(*key)

    def loader(loaders: Loaders) -> DataLoader[Any, list[Record]]:
        async def load(keys: list[Any]) -> list[list[Record]]:
            found: dict[Any, list[Record]] = {one: [] for one in keys}
            for row in await loaders.reading.fetch(wanted, **_ids(keys)):
                found[key_of(row)].append(row)
            return [found[one] for one in keys]

        return DataLoader(load, max_batch_size=LARGEST_BATCH)

    return cached_property(loader)


def _ids(keys: Sequence[Any]) -> dict[str, list[Any]]:
    """Keys as the statements take them: ids, or pairs of a customer and an id."""
    if isinstance(keys[0], tuple):
        return {"customer_ids": [customer for customer, _ in keys], "ids": [row for _, row in keys]}
    return {"ids": list(keys)}


MAX_COUNTED_ERRORS = 10_000
"""As of other lists: more tells nobody anything."""


class Loaders:
    """One request's loaders, each made on first use."""

    messages: One[MessageKey] = _one("messages_by_id", "customer_id", "id")
    """Message rows by (customer, message)."""
    attempts: Many[MessageKey] = _many("attempts_of_messages", "customer_id", "message_id")
    """Attempts of a message."""
    copies: Many[MessageKey] = _many("copies_of_messages", "customer_id", "message_id")
    """Copies of a message."""
    events: Many[MessageKey] = _many("events_of_messages", "customer_id", "message_id")
    """Events of a message."""
    attachments: Many[MessageKey] = _many("attachments_of_messages", "customer_id", "message_id")
    """Attachments of a message."""
    reports: One[MessageKey] = _one("reports_by_id", "customer_id", "id")
    """Delivery reports by (customer, report)."""
    failures: Many[MessageKey] = _many("failures_of_messages", "customer_id", "message_id")
    """The newest failure report of each recipient of a message."""
    received: One[MessageKey] = _one("received_mail_by_message", "customer_id", "message_id")
    """What a received message says."""
    hits: One[MessageKey] = _one("hits_by_id", "customer_id", "id")
    """Click rows by (customer, hit)."""
    customers: One[int] = _one("customers_by_id", "id")
    """Customer rows by id."""
    addresses: Many[int] = _many("addresses_of_customers", "customer_id")
    """Addresses of a customer."""
    opt_outs: Many[int] = _many("opt_outs_of_customers", "customer_id")
    """Opt-outs in force for a customer."""
    latest: One[int] = _one("latest_messages", "customer_id")
    """The key of a customer's newest message."""
    failed: One[int] = _one("failed_counts", "customer_id", red=RED, attention=ATTENTION)
    """How many of a customer's newest messages failed, and how many are uncertain."""
    suppressions: One[UUID] = _one("suppressions_by_id", "id")
    """Suppressions, standing or lifted, by id."""
    held: One[UUID] = _one("held_counts", "id")
    """How many messages are held for a suppressed address, by the suppression's id."""
    bad_addresses: One[UUID] = _one("bad_addresses_by_id", "id")
    """Addresses that take no mail, by id."""
    waiting: One[UUID] = _one("waiting_for_correction", "id", within=RECENTLY, limit=MAX_RELEASED)
    """How many messages wait for an address to be corrected."""
    unmatched: One[UUID] = _one("unmatched_by_id", "id")
    """Received mail that is nobody's, by id."""
    imports: One[UUID] = _one("imports_by_id", "id")
    """Imports of customers, by id."""
    import_error_counts: One[UUID] = _one("import_error_counts", "id", most=MAX_COUNTED_ERRORS)
    """How much was refused of an import."""
    previews: One[UUID] = _one("previews_by_version", "id")
    """Previews by template version."""
    campaigns: One[UUID] = _one("campaigns_by_id", "id")
    """Campaign rows by id."""
    progress: One[UUID] = _one("progress_of_campaigns", "id")
    """What of campaigns became of their recipients, by id."""
    mailing_progress: One[int] = _one("progress_of_mailings", "id")
    """The same of mailings."""
    mailings: One[int] = _one("mailings_by_id", "id")
    """Mailing rows by id."""
    lists_of: Many[UUID] = _many("lists_of_campaigns", "campaign_id")
    """The ids of a campaign's lists and exclusions."""
    mailings_of: Many[UUID] = _many("mailings_of_campaigns", "campaign_id")
    """The ids of a campaign's mailings, in order."""
    templates: One[UUID] = _one("templates_by_id", "id")
    """Template rows, with their newest version, by id."""
    list_uses: One[int] = _one("uses_of_lists", "id")
    """How many campaigns name a list, by the list's id."""
    template_uses: One[UUID] = _one("uses_of_templates", "id")
    """How many campaigns use a template; none when no campaign does."""
    template_versions: One[UUID] = _one("template_versions_by_id", "id")
    """Versions of templates by id, without what they were compiled to."""
    compiled_versions: One[UUID] = _one("compiled_by_version", "id")
    """What versions of templates were compiled to, by the version's id."""
    senders: One[UUID] = _one("senders_by_id", "id")
    """Sender rows, with their newest version, by id."""
    lists: One[int] = _one("lists_by_id", "id")
    """List rows by id."""
    member_counts: One[int] = _one("member_counts", "id")
    """How many members a fixed list has."""

    def __init__(self, reading: Reading, pools: DatabasePools, deployment: Deployment) -> None:
        """`pools` and `deployment` are for what the gateway's own functions read."""
        self.reading = reading
        self._pools = pools
        self._deployment = deployment
        self._histories: dict[Window, DataLoader[UUID, list[Record]]] = {}
        self._lives: dict[LifeWindow, DataLoader[MessageKey, list[Record]]] = {}
        self._versions: dict[Window, DataLoader[UUID, list[Record]]] = {}

    def life(self, window: LifeWindow) -> DataLoader[MessageKey, list[Record]]:
        """Entries of a message's life, one more than the page shows; pages of one window are read together."""

        async def load(keys: list[MessageKey]) -> list[list[Record]]:
            found: dict[MessageKey, list[Record]] = {key: [] for key in keys}
            for row in await self.reading.fetch(LIVES, **_ids(keys), **window.values):
                found[row["customer_id"], row["message_id"]].append(row)
            return [found[key] for key in keys]

        if window not in self._lives:
            self._lives[window] = DataLoader(load, max_batch_size=LARGEST_BATCH)
        return self._lives[window]

    def versions(self, window: Window) -> DataLoader[UUID, list[Record]]:
        """Versions of a template, one more than the page shows; pages of one window are read together."""

        async def load(keys: list[UUID]) -> list[list[Record]]:
            found: dict[UUID, list[Record]] = {key: [] for key in keys}
            for row in await self.reading.fetch(VERSIONS, ids=keys, before=window.before, rows=window.rows):
                found[row["template_id"]].append(row)
            return [found[key] for key in keys]

        if window not in self._versions:
            self._versions[window] = DataLoader(load, max_batch_size=LARGEST_BATCH)
        return self._versions[window]

    @cached_property
    def import_errors(self) -> ImportErrorPages:
        """Pages of what was refused of imports."""
        return ImportErrorPages(self.reading)

    def history(self, window: Window) -> DataLoader[UUID, list[Record]]:
        """Changes of a campaign, one more than the page shows; pages of one window are read together."""

        async def load(keys: list[UUID]) -> list[list[Record]]:
            found: dict[UUID, list[Record]] = {key: [] for key in keys}
            for row in await self.reading.fetch(HISTORIES, ids=keys, before=window.before, rows=window.rows):
                found[row["campaign_id"]].append(row)
            return [found[key] for key in keys]

        if window not in self._histories:
            self._histories[window] = DataLoader(load, max_batch_size=LARGEST_BATCH)
        return self._histories[window]

    @cached_property
    def wanted(self) -> DataLoader[MessageQuery, Wanted]:
        """What the names in a filter stand for, read once for all lists that have the same."""

        async def load(queries: list[MessageQuery]) -> list[Wanted | BadInput]:
            return [await self._resolve(one) for one in queries]

        return DataLoader(load)

    async def _resolve(self, query: MessageQuery) -> Wanted | BadInput:
        try:
            return await resolve(self.reading.fetch, query)
        except BadInput as error:
            return error

    @cached_property
    def list_pages(self) -> ListPages:
        """Members of lists, and the lists that customers are in."""
        return ListPages(self.reading, self._pools, self.lists)

    @cached_property
    def actions(self) -> DataLoader[MessageKey, list[MessageAction]]:
        """What a person can do about a message, by the primary, as the mutations judge it; of received mail only to
        take back to whom it was given."""

        async def load(keys: list[MessageKey]) -> list[list[MessageAction]]:
            refs = [MessageRef(customer_id=customer, message_id=message) for customer, message in keys]
            async with self._pools.writing_connection() as connection:
                found = await read_standings(connection, refs, self._deployment)
                others = [ref for ref in refs if ref not in found]
                given = await received_to_undo(connection, others) if others else set()
            return [actions_of(found[ref]) if ref in found else [MessageAction.UNDO] * (ref in given) for ref in refs]

        return DataLoader(load, max_batch_size=LARGEST_BATCH)

    @cached_property
    def contents(self) -> DataLoader[MessageKey, Content | None]:
        """The mail itself of a message; none of erased customers."""

        async def load(keys: list[MessageKey]) -> list[Content | None]:
            found = await read_contents(self.reading.fetch, self._deployment, keys)
            return [found.get(key) for key in keys]

        return DataLoader(load, max_batch_size=LARGEST_BATCH)

    @cached_property
    def texts(self) -> DataLoader[MessageKey, MailContent]:
        """What a mail says, of messages that have `contents`."""

        async def load(keys: list[MessageKey]) -> list[MailContent]:
            contents = [one for one in await self.contents.load_many(keys) if one is not None]
            return await read_texts(self.reading.fetch, self._deployment, contents)

        return DataLoader(load, max_batch_size=LARGEST_BATCH)

    @cached_property
    def worklist_counts(self) -> DataLoader[str, Record]:
        """How much waits for a person, by list: one statement for all that tell a number. The key is the worklist's."""

        async def load(keys: list[str]) -> list[Record]:
            return [await read_counts(self.reading.fetch) for _ in keys]

        return DataLoader(load)

    @cached_property
    def candidates(self) -> DataLoader[UUID, list[int]]:
        """The customers that unmatched mail may belong to, by the mail's id."""

        async def load(mails: list[UUID]) -> list[list[int]]:
            rows = [row for row in await self.unmatched.load_many(mails) if row is not None]
            found = await candidates(self.reading, self._deployment, rows)
            return [found.get(mail, []) for mail in mails]

        return DataLoader(load, max_batch_size=LARGEST_BATCH)

    @cached_property
    def solutions(self) -> DataLoader[UUID, Sequence[Solution]]:
        """What may help with an address that takes no mail, by the row's id."""

        async def load(ids: list[UUID]) -> list[Sequence[Solution]]:
            found = await read_solutions(self.reading, self._deployment, ids)
            return [found[one].solutions if one in found else () for one in ids]

        return DataLoader(load, max_batch_size=LARGEST_PAGE)

    @cached_property
    def relay_events(self) -> DataLoader[str, list[RelayEvent]]:
        """Troubles and orders of a relay, by its name."""

        async def load(names: list[str]) -> list[list[RelayEvent]]:
            found: dict[str, list[RelayEvent]] = {name: [] for name in names}
            async with self._pools.reading_connection() as connection:
                for event in await relay_events(connection, *names):
                    found[event.relay or ""].append(event)
            return [found[name] for name in names]

        return DataLoader(load, max_batch_size=LARGEST_BATCH)

    @cached_property
    def destination_events(self) -> DataLoader[str, list[RelayEvent]]:
        """Troubles and orders of a domain, by its name."""

        async def load(domains: list[str]) -> list[list[RelayEvent]]:
            found: dict[str, list[RelayEvent]] = {domain: [] for domain in domains}
            async with self._pools.reading_connection() as connection:
                for event in await destination_events(connection, *domains):
                    found[event.domain or ""].append(event)
            return [found[domain] for domain in domains]

        return DataLoader(load, max_batch_size=LARGEST_BATCH)

    @cached_property
    def accepted_today(self) -> DataLoader[str, int]:
        """How many recipients a relay took today, by its name."""

        async def load(names: list[str]) -> list[int]:
            async with self._pools.reading_connection() as connection:
                accepted = await accepted_today(connection, self._deployment.settings.time_zone)
            return [accepted.get(name, 0) for name in names]

        return DataLoader(load, max_batch_size=LARGEST_BATCH)


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
