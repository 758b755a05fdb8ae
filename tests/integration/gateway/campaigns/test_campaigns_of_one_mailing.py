"""What becomes of the campaigns of a version that knew no mailings: one mailing each, with everything as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from gateway.campaigns import expansion, freezing
from gateway.database import prepare_connection
from gateway.deployment import Deployment
from gateway.templates.publishing import TemplateSource, compile_source
from service.standalone.migrate import ROOT
from service.standalone.postgres import Postgres
from tests.builders import insert, make_customer, make_sender_version, make_template_version, orphans, troubles_amiss
from tests.integration.gateway.campaigns.orders import PAGE, launch, tally

LAST_OF_BEFORE = "20261201090000"
LAUNCHED = datetime.now(UTC) - timedelta(hours=1)
STATUSES = ["ACCEPTED", "ACCEPTED", "BOUNCED", "REFUSED", "UNCERTAIN", "HELD", "EXPIRED", "CANCELLED"]
"""What became of a campaign's first recipients; the next one opted out, the rest have no message yet."""


@pytest.fixture
async def old(postgres: Postgres) -> AsyncIterator[Any]:
    """A connection to a database of the version before."""
    name = f"old_{uuid4().hex}"
    server = await asyncpg.connect(postgres.url("postgres"))
    await server.execute(f"create database {name}")
    connection = await asyncpg.connect(postgres.url(name))
    await prepare_connection(connection)
    await migrate(connection, until=LAST_OF_BEFORE)
    yield connection
    await connection.close()
    await server.execute(f"drop database {name} with (force)")
    await server.close()


async def migrate(connection: Any, *, after: str = "", until: str = "3") -> None:
    """Carry out the migrations of these versions."""
    for file in sorted((ROOT / "migrations").glob("2*.sql")):
        if after < file.name[:14] <= until:
            await connection.execute(file.read_text().partition("-- migrate:down")[0])


async def make_old_campaign(
    connection: Any, *, status: str, customers: list[int], made: int, template: UUID | None = None
) -> UUID:
    """A campaign as the version before wrote it, of which `made` positions are dealt with."""
    over = {"finished_at": LAUNCHED} if status in ("FINISHED", "CANCELLED") else {}
    campaign = await insert(
        connection, "campaign", title="Spring", kind="MARKETING", status=status, priority=3,
        template_version_id=template or await make_template_version(connection),
        sender_version_id=await make_sender_version(connection), audience_size=len(customers), opted_out=min(1, made),
        expanded_to=made, launched_at=None if status == "DRAFT" else LAUNCHED, **over,
    )  # fmt: skip
    for position, customer in enumerate(customers, 1):
        await insert(
            connection, "campaign_audience", campaign_id=campaign["id"], position=position, customer_id=customer,
            merge_data={"first_name": "Ann"},
        )  # fmt: skip
    if made:
        await make_old_messages(connection, campaign, customers)
    if status in ("RUNNING", "PAUSED"):
        paused = {"paused_at": LAUNCHED, "paused_why": "Paused by Kim."} if status == "PAUSED" else {}
        lane = {"name": f"campaign-{campaign['id'].hex}", "campaign_id": campaign["id"], "priority": 103}
        await insert(connection, "lane", **lane, **paused)
    found: UUID = campaign["id"]
    return found


async def make_old_messages(connection: Any, campaign: Any, customers: list[int]) -> None:
    """The messages of the first recipients, counted as the version before did: what came back was accepted."""
    counts = {"accepted": 3, "refused": 1, "uncertain": 1, "held": 1, "expired": 1, "cancelled": 1}
    for status, customer in zip(STATUSES, customers, strict=False):
        sent = {"sent_at": LAUNCHED} if status in ("ACCEPTED", "BOUNCED") else {}
        bounced = {"bounced_at": LAUNCHED} if status == "BOUNCED" else {}
        await insert(
            connection, "message", customer_id=customer, source_type="CAMPAIGN", status=status, sender="a@b.example",
            campaign_id=campaign["id"], template_version_id=campaign["template_version_id"],
            sender_version_id=campaign["sender_version_id"], decided_at=LAUNCHED, recipient=f"c{customer}@x.example",
            subject="News", merge_data={"first_name": "Ann"}, **sent, **bounced,
        )  # fmt: skip
    await insert(connection, "campaign_tally", campaign_id=campaign["id"], shard=3, made=len(STATUSES), **counts)


async def history(connection: Any) -> list[tuple[Any, ...]]:
    """Every message, as far as the version before knew it."""
    rows = await connection.fetch(
        "select customer_id, id, status::text, campaign_id, occurrence, template_version_id, mail_date, decided_at,"
        " sent_at, bounced_at, cause::text, recipient, subject, merge_data::text from message order by id"
    )
    return [tuple(row) for row in rows]


async def test_every_campaign_becomes_one_of_one_mailing_and_nothing_of_it_changes(
    old: Any, deployment: Deployment
) -> None:
    # Given a campaign in every state, two of them under way; two customers of one share an address
    customers = [await make_customer(old) for _ in range(len(STATUSES) + 4)]
    await old.execute(
        "update customer_address set (address, address_key) ="
        " (select address, address_key from customer_address where customer_id = $1) where customer_id = $2",
        *customers[:2],
    )
    dealt_with = len(STATUSES) + 1
    campaigns = {
        status: await make_old_campaign(
            old, status=status, customers=customers, made=0 if status == "DRAFT" else dealt_with
        )
        for status in ("DRAFT", "RUNNING", "PAUSED", "CANCELLED", "FINISHED")
    }
    before = await history(old)
    # When it is migrated
    await migrate(old, after=LAST_OF_BEFORE)
    # Then the history is the same, and every message has its mailing
    assert await history(old) == before
    amiss = "select count(*) from message m join mailing g on g.id = m.mailing_id where g.campaign_id <> m.campaign_id"
    assert await old.fetchval(amiss) == 0
    assert (await orphans(old), await troubles_amiss(old)) == ({}, [])
    # And the counts are: what came back is counted apart, what a cancelled one never made as cancelled
    counted = {"made": 8, "accepted": 2, "bounced": 1, "refused": 1, "uncertain": 1, "held": 1, "expired": 1}
    for status in ("RUNNING", "PAUSED", "FINISHED"):
        assert await tally(old, campaigns[status]) == {**counted, "cancelled": 1, "left_out_opted_out": 1}
    assert await tally(old, campaigns["CANCELLED"]) == {**counted, "cancelled": 1 + 3, "left_out_opted_out": 1}
    assert await tally(old, campaigns["DRAFT"]) == {}
    # And the audience is as large as it was, of whom the one who opted out is left out
    sizes = [await old.fetchval("select audience_size($1)", campaign) for campaign in campaigns.values()]
    assert sizes == [len(customers)] * 5
    left_out = await old.fetch("select customer_id, reason::text from mailing_left_out")
    assert [tuple(row) for row in left_out] == [(customers[dealt_with - 1], "OPTED_OUT")] * 4


async def test_a_campaign_under_way_goes_on_with_who_has_no_message_yet(old: Any, deployment: Deployment) -> None:
    # Given a campaign of which three recipients have no message, and a draft
    customers = [await make_customer(old) for _ in range(len(STATUSES) + 4)]
    page = compile_source(TemplateSource(name="News", subject="News", html=PAGE, sample_data={"first_name": "Alex"}))
    template = await make_template_version(
        old, source=page.source, compiled=page.compiled, fields=list(page.fields), links=page.links
    )
    dealt_with = len(STATUSES) + 1
    await make_old_campaign(old, status="RUNNING", customers=customers, made=dealt_with, template=template)
    draft = await make_old_campaign(old, status="DRAFT", customers=customers[:2], made=0, template=template)
    await migrate(old, after=LAST_OF_BEFORE)
    # When workers go on
    assert await freezing.freeze(old) is None
    known = [row["id"] for row in await old.fetch("select id from message")]
    assert await expansion.make_messages(old, deployment) == 3
    # Then those three get one, in their order, and nobody a second one
    rows = await old.fetch("select customer_id, status::text from message where id <> all($1) order by id", known)
    assert [tuple(row) for row in rows] == [(customer, "QUEUED") for customer in customers[-3:]]
    assert await old.fetchval("select count(*) from outbox o join lane l on l.id = o.lane_id") == 3
    # And the draft can be launched
    await launch(old, draft, deployment)
    assert await expansion.make_messages(old, deployment) == 2
