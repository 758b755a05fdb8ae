"""Campaigns whose mail came to different ends, for decisions about many, and what must hold afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from gateway.campaigns import decisions, expansion
from gateway.campaigns.decisions import CampaignRetry, CampaignSettlement
from gateway.deployment import Deployment
from gateway.mail.campaign import UncertainDecision
from gateway.mail.message import MessageRef
from tests.builders import insert, mailing_of, troubles_amiss
from tests.integration.gateway.campaigns.orders import running

ASSUME_SENT, RETRY = UncertainDecision.ASSUME_SENT, UncertainDecision.RETRY


async def sent(
    connection: Any, deployment: Deployment, ends: Sequence[str | tuple[str, str]]
) -> tuple[UUID, list[MessageRef]]:
    """A running campaign with a recipient for each of these ends: a status, or a status and its cause. What is QUEUED
    waits."""
    campaign_id, customers = await running(connection, deployment, len(ends))
    await expansion.make_messages(connection, deployment)
    refs = []
    for customer_id, end in zip(customers, ends, strict=True):
        message_id = await connection.fetchval("select id from message where customer_id = $1", customer_id)
        refs.append(MessageRef(customer_id=customer_id, message_id=message_id))
        status, cause = (end, "UNKNOWN") if isinstance(end, str) else end
        if status != "QUEUED":
            await become(connection, refs[-1], status, cause)
    return campaign_id, refs


async def become(connection: Any, ref: MessageRef, status: str, cause: str = "UNKNOWN") -> None:
    """What a server's answer makes of a queued message: decided, out of the queue, counted."""
    column = {"ACCEPTED": "accepted", "REFUSED": "refused", "UNCERTAIN": "uncertain", "HELD": "held",
              "EXPIRED": "expired", "BOUNCED": "bounced"}[status]  # fmt: skip
    async with connection.transaction():
        mailing_id = await connection.fetchval(
            "update message set status = $3::text::email_status, decided_at = now(), cause = $4::cause,"
            " sent_at = case when $3 in ('ACCEPTED', 'BOUNCED') then now() end,"
            " bounced_at = case when $3 = 'BOUNCED' then now() end"
            " where customer_id = $1 and id = $2 and status = 'QUEUED' returning mailing_id",
            ref.customer_id, ref.message_id, status, None if status == "ACCEPTED" else cause,
        )  # fmt: skip
        await connection.execute("delete from outbox where message_id = $1", ref.message_id)
        await connection.execute(
            f"insert into mailing_tally (mailing_id, shard, {column}) values ($1, 1, 1) on conflict (mailing_id, shard)"  # noqa: S608 - a constant
            f" do update set {column} = mailing_tally.{column} + 1",
            mailing_id,
        )


async def settle(connection: Any, campaign_id: UUID, uncertain: UncertainDecision, **values: Any) -> int:
    """Decides about all that is uncertain; the job is still to carry it out."""
    usual: dict[str, Any] = {"campaign_id": campaign_id, "uncertain": uncertain, "idempotency_key": uuid4().hex}
    return await decisions.settle(connection, CampaignSettlement(**(usual | values)), "Dana")


async def retry(connection: Any, campaign_id: UUID, **values: Any) -> int:
    """Has failures tried again; the job is still to do it."""
    usual: dict[str, Any] = {"campaign_id": campaign_id, "idempotency_key": uuid4().hex}
    return await decisions.retry(connection, CampaignRetry(**(usual | values)), "Dana")


async def carry_out(connection: Any, deployment: Deployment, *, batch: int = 1000) -> list[int]:
    """Carries out all decisions, as the worker does; returns the sizes of the batches."""
    sizes = []
    while (size := await decisions.carry_out(connection, deployment, batch=batch)) is not None:
        sizes.append(size)
    return sizes


async def statuses(connection: Any, refs: Sequence[MessageRef]) -> list[str]:
    """What the messages are now."""
    found = {
        row["id"]: row["status"]
        for row in await connection.fetch(
            "select id, status::text from message where id = any($1::uuid[])", [ref.message_id for ref in refs]
        )
    }
    return [found[ref.message_id] for ref in refs]


async def amiss(connection: Any) -> list[str]:
    """What the ledger says of campaigns that a recount does not: counts, queue, troubles, decisions."""
    wrong = [f"trouble {tuple(row)}" for row in await troubles_amiss(connection)]
    wrong += [f"counted {tuple(row)}" for row in await connection.fetch(RECOUNT)]
    wrong += [f"queue {tuple(row)}" for row in await connection.fetch(QUEUE)]
    wrong += [f"decision {tuple(row)}" for row in await connection.fetch(DECISIONS)]
    wrong += [f"twice {tuple(row)}" for row in await connection.fetch(TWICE)]
    return wrong


RECOUNT = """
with counted as (
    select g.id, coalesce(sum(t.accepted), 0) as accepted, coalesce(sum(t.refused), 0) as refused,
           coalesce(sum(t.bounced), 0) as bounced, coalesce(sum(t.uncertain), 0) as uncertain,
           coalesce(sum(t.held), 0) as held, coalesce(sum(t.expired), 0) as expired
    from mailing g left join mailing_tally t on t.mailing_id = g.id group by g.id
), recounted as (
    select g.id, count(m.id) filter (where m.status = 'ACCEPTED') as accepted,
           count(m.id) filter (where m.status = 'REFUSED') as refused,
           count(m.id) filter (where m.status = 'BOUNCED') as bounced,
           count(m.id) filter (where m.status = 'UNCERTAIN') as uncertain,
           count(m.id) filter (where m.status = 'HELD') as held,
           count(m.id) filter (where m.status = 'EXPIRED') as expired
    from mailing g left join message m on m.mailing_id = g.id group by g.id
)
select * from counted except select * from recounted
"""
QUEUE = """
select m.id, m.status::text, o.message_id is not null as queued
from message m left join outbox o on o.customer_id = m.customer_id and o.message_id = m.id
where (m.status = 'QUEUED') <> (o.message_id is not null)
"""
DECISIONS = """
select d.id, d.recipients, d.done, d.skipped
from campaign_decision d
where d.finished_at is null or d.done + d.skipped <> d.recipients
   or d.done <> (select count(*) from event e
                 where (e.data ->> 'decision')::integer = d.id and e.kind in ('RETRIED', 'ASSUMED_SENT'))
   or exists (select from campaign_decision_message n where n.decision_id = d.id)
"""
TWICE = """
select e.message_id, e.data ->> 'decision', count(*) from event e
where e.data ? 'decision' and e.kind in ('RETRIED', 'ASSUMED_SENT') group by 1, 2 having count(*) > 1
"""


async def second_mailing(connection: Any, campaign_id: UUID) -> int:
    """Another mailing of the campaign that is under way, with its lane and nobody in it."""
    first = await connection.fetchrow("select * from mailing where id = $1", await mailing_of(connection, campaign_id))
    row = await insert(
        connection, "mailing", campaign_id=campaign_id, number=2, status="RUNNING", due_at=first["due_at"],
        template_version_id=first["template_version_id"], frozen_at=first["frozen_at"],
    )  # fmt: skip
    await insert(
        connection, "lane", name=f"campaign-{campaign_id.hex}-2", campaign_id=campaign_id, mailing_id=row["id"],
        priority=104,
    )  # fmt: skip
    return int(row["id"])
