"""A list costs as many statements for many rows as for one: every list of the schema, found by a walk over it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson
import pytest

import service.database
from gateway.database import prepare_connection
from gateway.mail.campaign import LeftOutReason
from gateway.mail.verdict import Cause
from service.graph.context import Context
from service.graph.schema import schema
from tests.builders import (
    NOON,
    insert,
    mailing_of,
    make_attempt,
    make_campaign,
    make_customer,
    make_hit,
    make_message,
    make_outbox,
    make_template_version,
)
from tests.finding import keep_up
from tests.graph_queries import UNSHAPABLE
from tests.list_fields import ListField, all_lists, list_fields
from tests.statistics import COUNTS

IN_MEMORY = {
    "UserError",
    "UpsertWarning",
    "MailWarning",
    "DnsRecordCheck",
    "TestEmailResult",
    "ImportColumn",
    "LeftOutCount",
    "SourceCount",
    "AddressSolution",
    "AddressWarning",
    "CauseCount",
    "StayCount",
    "MailHeader",
}
"""Rows that come from no database: the refusals and warnings of a call, what DNS says, what a server answered to
the five mails of a call at most, what is made of the facts of a page of bad addresses, and what lies within one row:
an import's columns, counts by reason, cause or source, a mail's headers."""
LISTS = {name: one for name, one in list_fields(schema._schema).items() if one.row.name not in IN_MEMORY}
PRICED = frozenset({"recipients", "links", "timeline", "campaigns", "audience"})
"""Fields that are read by statements of their own for each object that has them, and cost accordingly."""
BY_MAILING = "Campaign.recipients"
"""Read mailing by mailing until a page is full: here there are more mailings each time, most without recipients."""
WAYS = {"shaped": UNSHAPABLE | PRICED | {"url"}, "by resolvers": PRICED}
"""What is left out of the queries: with these fields, resolvers read the lists."""

MakeContext = Callable[..., Context]


class Ledger:
    """Grows by a row in every list: in those of the customer, message and relay that are asked for, and in those of new
    ones beside them."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._size = 0

    async def open(self) -> None:
        """The customer, the message and the relay, without anything in their lists."""
        self._customer = await make_customer(self._pool, addresses=[])
        # A mail that no other list reads before the list of all mail does.
        await make_message(self._pool, self._customer, status="ACCEPTED")
        self._message = await make_message(self._pool, self._customer, status="ACCEPTED")
        # What is asked of one message, a received one has as well.
        self._received = await self._reply()
        await insert(self._pool, "content", sha256=bytes(32), size=1, encoding="identity", bytes=b"x")
        await insert(self._pool, "relay", name="main")
        version = await make_template_version(self._pool)
        self._template = await self._pool.fetchval("select template_id from template_version where id = $1", version)
        self._campaign = await make_campaign(self._pool)

    async def grow(self) -> None:
        """One row more everywhere; the first time, none beside what is asked for."""
        self._size += 1
        number = self._size
        customers, relays, messages = (
            [self._customer],
            ["main"],
            [
                (self._customer, self._message),
                (self._customer, self._received),
            ],
        )
        if number > 1:
            customers.append(await make_customer(self._pool, addresses=[]))
            relays.append(f"relay-{number}")
            await insert(self._pool, "relay", name=relays[-1])
        for customer in customers:
            await self._address(customer)
            messages.append((customer, await self._mail(customer)))
        for customer, message in messages:
            await self._parts(customer, message)
        for campaign in [self._campaign, *([] if number == 1 else [await make_campaign(self._pool)])]:
            await self._of_campaign(campaign)
        for relay in relays:
            await insert(self._pool, "relay_event", relay=relay, kind="TLS", response="no")
        await make_template_version(self._pool, template_id=self._template, number=1 + number)
        await insert(self._pool, "destination", domain=f"limited-{number}.example", per_day=number)
        await insert(self._pool, "relay_event", domain="limited-1.example", kind="PAUSED", actor="me")
        await self._minute([*Cause][number])
        await insert(
            self._pool, "suppression", address_key=self._key, reason="BAD_ADDRESS", actor="gateway",
            customer_id=self._customer, message_id=self._message,
        )  # fmt: skip

        await insert(
            self._pool, "bad_address", customer_id=self._customer, address_key=self._key, message_id=self._message,
            failed_at=NOON, failing_since=NOON, cause="BAD_DOMAIN",
        )  # fmt: skip
        await self._import()
        await self._lists(customers)
        await make_customer(self._pool, addresses=["bo@customer.example"])
        await insert(
            self._pool, "inbound_mail", source="SMTP", size=1, kind="REPLY", read_at=NOON,
            unmatched="SEVERAL_CUSTOMERS", from_address="bo@customer.example",
        )  # fmt: skip
        await self._reply()
        counts = dict.fromkeys(COUNTS, 1) | {"times": [257]}
        hour = datetime(2026, 1, 1, self._size, tzinfo=UTC)
        kept = {"rollup": "campaign", "span": "hour", "campaign_id": self._campaign}
        await insert(self._pool, "mail_statistics", **kept, starts_at=hour, **counts)
        await self._waiting()

    async def _waiting(self) -> None:
        """One more of each that waits for a person."""
        number, customer = self._size, await make_customer(self._pool)
        for status, cause in (("UNCERTAIN", "TIMEOUT"), ("HELD", "WRONG_RELAY"), ("EXPIRED", "DEADLINE")):
            decided_at = NOON + timedelta(minutes=number)
            await make_message(self._pool, customer, status=status, cause=cause, decided_at=decided_at)
        failing = await make_campaign(self._pool)
        await make_message(self._pool, customer, campaign_id=failing, status="REFUSED", cause="POLICY")
        stop = {"stopped_at": NOON, "stopped_why": "550 no"}
        await insert(self._pool, "relay", name=f"stopped-{number}", **stop)
        await insert(self._pool, "destination", domain=f"stopped-{number}.example", **stop)
        await insert(self._pool, "relay_event", relay="stopped-1", kind="TLS", response="no")
        await insert(self._pool, "relay_event", domain="stopped-1.example", kind="PAUSED", actor="me")
        why = {"paused_at": NOON, "paused_why": "451 no"}
        await insert(self._pool, "lane", name=f"paused-{number}", priority=90, **why)
        sender = await self._pool.fetchval(
            "select s.id from sender s where not exists (select from sender_dns d where d.sender_id = s.id) limit 1"
        )
        await insert(
            self._pool, "sender_dns", sender_id=sender, domain="fabrikam.example", settings="", in_use=True,
            ready=False, checked_at=NOON, due_at=NOON,
        )  # fmt: skip

    async def _minute(self, cause: Cause) -> None:
        """A minute of the gateway's history more, and in the first one a lane, a relay and a cause of both."""
        first = await self._pool.fetchval(
            "select coalesce(min(minute), date_trunc('minute', now()) - interval '30 minutes') from gateway_minute"
        )
        minute = first + timedelta(minutes=self._size - 1)
        await insert(self._pool, "gateway_minute", minute=minute)
        counts = {"minute": first, "lane": "individual", "accepted": 0, "deferred": 0, "refused": 1}
        for relay in {"main", f"relay-{self._size}"}:
            await insert(self._pool, "gateway_minute_answers", relay=relay, cause=cause, **counts)
        waiting = {"depth": 1, "oldest_seconds": 1, "attempts": 1}
        await insert(self._pool, "gateway_minute_lane", minute=first, lane=f"lane-{self._size}", **waiting)
        await insert(self._pool, "gateway_minute_lane", minute=minute, lane="individual", **waiting)

    async def _import(self) -> None:
        """An import, with a refused line more than the one before."""
        values = {"status": "UPLOADED", "encoding": "utf-8", "delimiter": ",", "file_name": "a.csv", "file_bytes": 1}
        made = await insert(self._pool, "customer_import", actor="me", **values)
        for number in range(self._size):
            fault = {"line": 2 + number, "number": 0, "code": "INVALID", "message": "no"}
            await insert(self._pool, "import_error", import_id=made["id"], **fault)

    async def _lists(self, customers: list[int]) -> None:
        """A fixed list more, with these customers in all. One dynamic list: each is part of one statement."""
        await make_customer(self._pool, addresses=[], tags=["some"])
        await self._pool.execute("update customer set tags = array['some'] where id = any($1)", customers)
        if self._size == 1:
            criteria = {"allOf": [{"anyOf": [{"tag": {"isOneOf": ["some"]}}]}]}
            values = {"name": "Dynamic", "kind": "DYNAMIC", "criteria": criteria, "actor": "me"}
            await insert(self._pool, "customer_list", **values)
        await insert(self._pool, "customer_list", name=f"A fixed one {self._size}", kind="FIXED", actor="me")
        await self._pool.execute(
            "insert into list_member (list_id, customer_id, actor) select l.id, c.id, 'me'"
            " from customer_list l, unnest($1::bigint[]) c (id) where l.kind = 'FIXED' on conflict do nothing",
            customers,
        )

    async def _reply(self) -> Any:
        """A received mail that answers the message."""
        of = {"customer_id": self._customer, "message_id": self._message}
        reply = await make_message(self._pool, self._customer, direction="RECEIVED", answers_message_id=self._message)
        values = {"author": "CUSTOMER", "body": "Yes.", "automatic": False}
        await insert(self._pool, "received_mail", customer_id=self._customer, message_id=reply, **values)
        await insert(self._pool, "event", **of, kind="REPLIED", actor="customer", data={"message": str(reply)})
        return reply

    @property
    def _key(self) -> bytes:
        """Of the newest address of the customer that is asked for, which is suppressed."""
        return self._size.to_bytes(32, "big")

    async def _address(self, customer: int) -> None:
        address = f"a{self._size}@customer.example"
        key = self._key if customer == self._customer else bytes(32)
        values: dict[str, Any] = {"position": self._size, "address": address, "address_key": key}
        await insert(self._pool, "customer_address", customer_id=customer, **values)

    async def _mail(self, customer: int) -> Any:
        """A campaign's mail that was clicked; beside it one that waits for a domain of its own."""
        campaign = await make_campaign(self._pool)
        message = await make_message(self._pool, customer, campaign_id=campaign, status="ACCEPTED")
        await make_hit(self._pool, customer, message, url="https://x.example/1")
        waiting = await make_message(self._pool, customer)
        await make_outbox(self._pool, customer, waiting, address=f"c@waiting-{self._size}.example")
        return message

    async def _of_campaign(self, campaign: Any) -> None:
        """Another mailing and another change of a campaign."""
        template = await self._pool.fetchval(
            "select template_version_id from mailing where campaign_id = $1 limit 1", campaign
        )
        values = {"number": self._size + 1, "template_version_id": template}
        await insert(self._pool, "mailing", campaign_id=campaign, **values)
        for excluded in (False, True):
            name = f"list-{campaign.hex}-{self._size}-{excluded}"
            made = await insert(self._pool, "customer_list", name=name, kind="FIXED", actor="me")
            values = {"list_id": made["id"], "excluded": excluded}
            await insert(self._pool, "campaign_list", campaign_id=campaign, **values)
        await insert(self._pool, "campaign_event", campaign_id=campaign, action="updateCampaign", actor="me")
        await self._results(await mailing_of(self._pool, campaign))

    async def _results(self, mailing: int) -> None:
        """Another recipient, one left out for another reason, a link, and a minute in which something happened."""
        reasons = [*LeftOutReason]
        for customer in (self._customer, await make_customer(self._pool)):
            values = {
                "due_at": NOON,
                "customer_id": customer,
                "occurrence": f"day {self._size}",
                "address": "a@b.example",
            }
            await insert(self._pool, "mailing_recipient", mailing_id=mailing, **values)
        reason, customer = reasons[self._size % len(reasons)], await make_customer(self._pool)
        await insert(self._pool, "mailing_left_out", mailing_id=mailing, customer_id=customer, reason=reason)
        counted = {f"left_out_{reason.lower()}": 1}
        await insert(self._pool, "mailing_tally", mailing_id=mailing, shard=self._size, accepted=1, **counted)
        link = {"link": self._size, "same_link": self._size, "url": f"https://x.example/{self._size}", "clicks": 1}
        await insert(self._pool, "mailing_link", mailing_id=mailing, **link)
        counts = dict.fromkeys(("refused", "bounced", "opened", "clicked", "unsubscribed"), 0)
        minute = NOON + timedelta(hours=self._size)
        await insert(
            self._pool, "mailing_sample", mailing_id=mailing, minute=minute, accepted=self._size, decided=self._size,
            **counts,
        )  # fmt: skip

    async def _parts(self, customer: int, message: Any) -> None:
        of = {"customer_id": customer, "message_id": message}
        copy = {"role": "CC", "address": "x@y.example", "name": "X"}
        await insert(self._pool, "copy", **of, recipient_no=self._size, **copy)
        await make_attempt(self._pool, customer, message, number=self._size)
        await make_attempt(self._pool, customer, message, number=1, recipient_no=self._size)
        await insert(self._pool, "event", **of, kind="HELD", actor="me")
        for recipient in (0, self._size):
            event = await insert(self._pool, "event", **of, kind="BOUNCED", actor="gateway", recipient_no=recipient)
            values = {"action": "FAILED", "verified": False, "matched_by": "MESSAGE_ID", "recipient_no": recipient}
            await insert(self._pool, "delivery_report", **of, id=event["id"], **values)
        await make_hit(self._pool, customer, message, url="https://x.example/2")
        file = {"name": "a.pdf", "media_type": "application/pdf", "size": 1, "sha256": bytes(32)}
        await insert(self._pool, "message_attachment", **of, position=self._size, **file)

    def arguments(self) -> dict[str, str]:
        """Of the fields on the way to the lists."""
        customers = ", ".join(f'{{externalRef: "new-{number}"}}' for number in range(self._size))
        return {
            "Query.campaign": f'id: "Campaign_{self._campaign.hex}"',
            "Query.customer": f'id: "Customer_{self._customer}"',
            "Query.template": f'id: "Template_{self._template.hex}"',
            "Query.previewList": 'criteria: {allOf: [{anyOf: [{tag: {isOneOf: ["some"]}}]}]}',
            "Query.previewMessageAction": f'action: CANCEL, filter: {{customerIds: ["Customer_{self._customer}"]}}',
            "Query.statistics": 'since: "2026-01-01T00:00Z", until: "2026-01-02T00:00Z", groupBy: [HOUR, CAMPAIGN]',
            "Query.message": f'id: "Message_{self._customer}_{self._received.hex}"',
            "Mutation.upsertCustomers": f"input: {{customers: [{customers}]}}",
        }


@pytest.fixture
async def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the service's connections send, from now on. Ask for it before the pools are opened."""
    sent: list[str] = []

    def note(record: Any) -> None:
        # What asyncpg asks of the catalogue, once a connection and type, is no statement of ours.
        if "typeinfo" not in record.query and "'jit'" not in record.query and "set_config" not in record.query:
            sent.append(record.query)

    async def prepare_and_listen(connection: asyncpg.Connection[Any]) -> None:
        await prepare_connection(connection)
        if isinstance(connection, service.database._Connection):
            connection.add_query_logger(note)

    monkeypatch.setattr("gateway.database.prepare_connection", prepare_and_listen)
    return sent


def test_the_walk_comes_to_every_list() -> None:
    assert set(all_lists(schema._schema)) == set(list_fields(schema._schema))


async def test_no_list_costs_more_statements_for_more_rows(
    statements: list[str], pool: Any, connection: Any, make_context: MakeContext
) -> None:
    # Given a row or two in every list
    ledger = Ledger(pool)
    await ledger.open()

    async def ask(one: ListField, way: str) -> tuple[int, Counter[str]]:
        """How many rows the list has, and what was sent for it and all that is in its rows."""
        statements.clear()
        query = one.query(ledger.arguments(), leave=WAYS[way])
        result = await schema.execute(query, context_value=make_context())
        assert result.errors is None, (one.name, result.errors)
        sent = Counter(statements)
        return len(one.rows(orjson.loads(orjson.dumps(result.data)))), sent

    asked = [(one, way) for one in LISTS.values() for way in WAYS]
    # Twice: the first time nothing stands beside what is asked for, such as a customer whose newest mail was sent
    for _ in range(2):
        await ledger.grow()
        await keep_up(connection, make_context().deployment)
    few = [await ask(*each) for each in asked]
    # When there is one more
    await ledger.grow()
    await keep_up(connection, make_context().deployment)
    several = [await ask(*each) for each in asked]
    # Then each list has more rows, by as many statements
    silent = {
        one.name
        for (one, _), (before, _), (after, _) in zip(asked, few, several, strict=True)
        if not 0 < before < after
    }
    assert silent == set(), "the ledger of this test has no rows for these lists: add them to it"
    more = {
        f"{one.name}, {way}": [f"{count - less[sql]} x {sql}" for sql, count in sent.items() if count > less[sql]]
        for (one, way), (_, less), (_, sent) in zip(asked, few, several, strict=True)
        if sent.total() > less.total() and one.name != BY_MAILING
    }
    assert more == {}
