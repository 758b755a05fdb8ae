"""Rows for tests: each builder inserts one valid row; keywords override what a test cares about."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from gateway.mail.address import address_key
from gateway.mail.keys import Keyring
from gateway.settings import parse_secret_key

SECRET_KEYS = "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
"""Constant, so that tests are deterministic."""

KEYRING = Keyring([parse_secret_key(SECRET_KEYS)])
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

Connection = Any
"""A connection, or a pool of them: all have asyncpg's execute, fetchrow and fetchval."""

_numbers = itertools.count(1)


async def insert(connection: Connection, table: str, /, **values: Any) -> asyncpg.Record:
    """Inserts one row into `table`; returns it as stored."""
    names = ", ".join(values)
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    statement = f"insert into {table} ({names}) values ({places}) returning *"  # noqa: S608 - names are the tests' own
    if not values:
        statement = f"insert into {table} default values returning *"  # noqa: S608 - the same
    row: asyncpg.Record | None = await connection.fetchrow(statement, *values.values())
    assert row is not None
    return row


async def make_customer(
    connection: Connection, *, addresses: Sequence[str] | None = None, external_ref: str | None = None, **values: Any
) -> int:
    """A customer with one address of its own, or those given (the first is primary); returns its id."""
    number = next(_numbers)
    row = await insert(
        connection,
        "customer",
        external_ref=external_ref or f"C-{number}",
        **{"name": f"Customer {number}", "locale": "en", "time_zone": "UTC", **values},
    )
    customer_id: int = row["id"]
    for position, address in enumerate(addresses if addresses is not None else [f"c{number}@customer.example"]):
        await insert(
            connection,
            "customer_address",
            customer_id=customer_id,
            position=position,
            address=address,
            address_key=address_key(address, KEYRING.address_key),
        )
    return customer_id


async def make_sender_version(connection: Connection, **values: Any) -> UUID:
    """A sender with one version; returns the version's id."""
    sender = await insert(connection, "sender", name=f"Sender {next(_numbers)}")
    usual = {
        "number": 1,
        "from_name": "Fabrikam Installers",
        "from_address": "hello@fabrikam.example",
        "postal_address": "1 Main Street, Springfield",
    }
    version = await insert(connection, "sender_version", sender_id=sender["id"], **(usual | values))
    found: UUID = version["id"]
    return found


PLAIN: dict[str, Any] = {
    "subject": [["text", "News"]],
    "html": [["text", "<p>News</p>\n"]],
    "text": [["text", "News\n"]],
    "required": [],
    "links": 0,
}
"""A campaign template that shows nothing but a word, compiled."""


async def make_template_version(connection: Connection, *, source_type: str = "CAMPAIGN", **values: Any) -> UUID:
    """A template with one version, for lists and constraints. Returns the version's id."""
    number = next(_numbers)
    if "template_id" not in values:
        template = await insert(connection, "template", name=f"Template {number}", source_type=source_type)
        values["template_id"] = template["id"]
    usual: dict[str, Any] = {
        "number": 1,
        "subject": "News",
        "source": {},
        "compiled": PLAIN if source_type == "CAMPAIGN" else {},
        "has_unsubscribe": True,
        "preview_subject": "News",
        "preview_html": "<p>News</p>",
        "preview_text": "News",
        "source_sha256": number.to_bytes(32, "big"),
    }
    version = await insert(connection, "template_version", **(usual | values))
    found: UUID = version["id"]
    return found


async def make_campaign(connection: Connection, **values: Any) -> UUID:
    """A running marketing campaign of one mailing, with its lane; returns its id."""
    usual: dict[str, Any] = {"title": f"Campaign {next(_numbers)}", "kind": "MARKETING", "status": "RUNNING"}
    usual |= {"launched_at": NOON}
    template = values.pop("template_version_id", None) or await make_template_version(connection)
    if "sender_version_id" not in values:
        values["sender_version_id"] = await make_sender_version(connection)
    if values.get("kind") == "EVENT_BASED":
        usual["repeat"] = "ONCE_A_DAY"
    if values.get("status") == "PAUSED":
        usual |= {"paused_at": NOON, "paused_why": "Paused by Ann."}
    campaign = await insert(connection, "campaign", **(usual | values))
    found: UUID = campaign["id"]
    status = "RUNNING" if campaign["status"] == "PAUSED" else campaign["status"]
    mailing = await insert(
        connection,
        "mailing",
        campaign_id=found,
        number=1,
        status=status,
        template_version_id=template,
        merge_data=campaign["merge_data"],
        due_at=NOON,
        frozen_at=NOON,
        finished_at=campaign["finished_at"],
    )
    lane = {"name": f"campaign-{found.hex}-1", "campaign_id": found, "mailing_id": mailing["id"]}
    await insert(connection, "lane", **lane, priority=100 + campaign["priority"])
    return found


async def mailing_of(connection: Connection, campaign_id: UUID) -> int:
    """The first mailing of a campaign."""
    found: int = await connection.fetchval(
        "select id from mailing where campaign_id = $1 order by number limit 1", campaign_id
    )
    return found


async def make_customers(connection: Connection, addresses: Sequence[str], keys: Sequence[bytes]) -> list[int]:
    """Customers with these addresses and their keys; returns the ids of all customers, in order."""
    await connection.execute(
        "with made as (insert into customer (external_ref, name) select 'P-' || n, 'Customer ' || n"
        " from generate_series(1, cardinality($1::text[])) n returning id, external_ref)"
        " insert into customer_address (customer_id, position, address, address_key)"
        " select made.id, 0, t.address, t.key"
        " from unnest($1::text[], $2::bytea[]) with ordinality t(address, key, n)"
        " join made on made.external_ref = 'P-' || t.n",
        list(addresses),
        list(keys),
    )
    return [row["id"] for row in await connection.fetch("select id from customer order by id")]


async def make_message(connection: Connection, customer_id: int, **values: Any) -> UUID:
    """A message, by default a QUEUED work-order mail; returns its id.

    `status="ACCEPTED"` and the like set their timestamps as well. No outbox row: see `make_outbox`.
    """
    usual: dict[str, Any] = {
        "source_type": "CAMPAIGN" if values.get("campaign_id") else "WORK_ORDER",
        "sender": "Fabrikam Installers <hello@fabrikam.example>",
        "recipient": "c@customer.example",
        "subject": "Your appointment",
    }
    if values.get("campaign_id"):
        usual["mailing_id"] = await mailing_of(connection, values["campaign_id"])
    status = values.get("status", "QUEUED")
    if status != "QUEUED":
        usual["decided_at"] = NOON
    if status in ("ACCEPTED", "BOUNCED"):
        usual["sent_at"] = NOON
    if status == "BOUNCED":
        usual["bounced_at"] = NOON
    if values.get("direction") != "RECEIVED":
        for column, make in (
            ("template_version_id", make_template_version),
            ("sender_version_id", make_sender_version),
        ):
            if column not in values:
                values[column] = await make(connection)
    else:
        usual |= {"status": "RECEIVED", "decided_at": NOON, "source_type": None}
    row = await insert(connection, "message", customer_id=customer_id, **(usual | values))
    found: UUID = row["id"]
    return found


async def make_outbox(connection: Connection, customer_id: int, message_id: UUID, **values: Any) -> asyncpg.Record:
    """An outbox row: due now, in the lane of individual mail."""
    address = values.get("address", "c@customer.example")
    lane_id = await connection.fetchval("select id from lane where name = 'individual'")
    usual: dict[str, Any] = {
        "lane_id": lane_id,
        "address": address,
        "address_key": address_key(address, KEYRING.address_key),
        "domain": address.rpartition("@")[2],
        "expires_at": datetime.now(UTC) + timedelta(hours=24),
    }
    return await insert(connection, "outbox", customer_id=customer_id, message_id=message_id, **(usual | values))


async def make_attempt(connection: Connection, customer_id: int, message_id: UUID, **values: Any) -> asyncpg.Record:
    """One SMTP transaction, by default one that the server accepted."""
    usual: dict[str, Any] = {
        "number": 1,
        "verdict": "ACCEPTED",
        "stage": "END_OF_DATA",
        "code": 250,
        "enhanced": "2.0.0",
        "response": "2.0.0 Ok: queued",
        "relay": "main",
        "host": "mx.example",
        "started_at": NOON,
        "took_ms": 12,
    }
    return await insert(connection, "attempt", customer_id=customer_id, message_id=message_id, **(usual | values))


async def make_hit(connection: Connection, customer_id: int, message_id: UUID, **values: Any) -> asyncpg.Record:
    """A hit by a person: an open, or with `url` a click."""
    kind = "CLICK" if values.get("url") else "OPEN"
    usual: dict[str, Any] = {"kind": kind, "verdict": "HUMAN", "rules_version": 1, "occurred_at": NOON}
    return await insert(connection, "hit", customer_id=customer_id, message_id=message_id, **(usual | values))


async def orphans(connection: Connection) -> dict[str, int]:
    """Counts rows without their message, by table: the foreign keys that the ledger leaves out for speed."""
    found = {}
    for table in ("attempt", "outbox", "hit", "event"):
        found[table] = await connection.fetchval(
            f"select count(*) from {table} t where not exists ("  # noqa: S608 - names are constants
            "select from message m where m.customer_id = t.customer_id and m.id = t.message_id)"
        )
    return {table: count for table, count in found.items() if count}


async def troubles_amiss(connection: Connection) -> list[asyncpg.Record]:
    """Rows of `message_trouble` that a recount of messages and copies does not give, and the other way round."""
    recount = (
        "select m.customer_id, m.id as message_id, 0::smallint as recipient_no, m.status, m.cause, m.mailing_id,"
        " case when m.status = 'HELD' and m.cause = 'SUPPRESSED' then lower(m.recipient) end as held_for from message m"
        " where m.status in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED') and not m.internal"
        " union all select c.customer_id, c.message_id, c.recipient_no, c.status, c.cause, null,"
        " case when c.status = 'HELD' and c.cause = 'SUPPRESSED' then lower(c.address) end from copy c"
        " where c.status in ('UNCERTAIN', 'REFUSED', 'HELD', 'EXPIRED', 'BOUNCED')"
    )
    kept = (
        "select t.customer_id, t.message_id, t.recipient_no, t.status, t.cause, t.mailing_id, t.held_for"
        " from message_trouble t"
    )
    found: list[asyncpg.Record] = await connection.fetch(
        f"(({kept}) except ({recount})) union all (({recount}) except ({kept}))"
    )
    return found
