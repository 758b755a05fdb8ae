"""What a person waits for who acts on 10,000 messages at once: the preview and the action, through the schema, on a
durable PostgreSQL."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import aiosql

from gateway.database import open_pool
from gateway.deployment import Deployment
from gateway.finding import job
from gateway.notify.wakeup import Wakeup
from gateway.settings import read_settings
from gateway.templates.compile_process import TemplateCompiler
from service.campaign_changes import CampaignChanges
from service.change_listener import ChangeListener
from service.database import DatabasePools, open_pools
from service.graph.context import Context
from service.graph.node import message_global_id
from service.graph.schema import schema
from tests.bench import ledger_cost
from tests.bench.end_to_end import durable_postgres
from tests.bench.rows import Row, Size
from tests.bench.rows import bench as benchmark
from tests.builders import SECRET_KEYS, make_sender_version, make_template_version

QUERIES: Any = aiosql.from_path(Path(__file__).with_suffix(".sql"), "asyncpg", mandatory_parameters=False)

MESSAGES, ONE_BY_ONE = 10_000, 200
PREVIEW_GOAL, ACTION_GOAL = 5.0, 10.0
"""Seconds that somebody waits for a button."""
PREVIEW = """query($filter: MessageFilter!) {
  previewMessageAction(action: RETRY, filter: $filter) { token messages sample { subject } } }"""
ACT = "mutation($token: String!) { retryMessages(input: {token: $token}) { done skipped } }"
RETRY = "mutation($id: ID!) { retryMessage(input: {messageId: $id}) { userErrors { message } } }"


async def make_uncertain(pool: Any, deployment: Deployment, messages: int) -> list[str]:
    """That many uncertain mails, which can be found; returns their global ids."""
    async with pool.acquire() as connection:
        await ledger_cost.QUERIES.make_customers(connection, customers=messages)
        await QUERIES.make_uncertain_letters(
            connection,
            template_version_id=await make_template_version(connection, source_type="WORK_ORDER"),
            sender_version_id=await make_sender_version(connection),
        )
        while await job.keep_up(connection, deployment):
            pass
        await connection.execute("analyze")
        rows = await connection.fetch("select customer_id, id from message order by id")
    return [message_global_id(row["customer_id"], row["id"]) for row in rows]


async def execute(pools: DatabasePools, deployment: Deployment, document: str, **variables: Any) -> tuple[float, Any]:
    """The seconds it took, and its data. Raises RuntimeError for an error."""
    settings = deployment.settings
    context = Context(
        pools=pools,
        deployment=deployment,
        wakeup=Wakeup(settings.redis_url),
        compiler=TemplateCompiler(),
        changes=ChangeListener(settings.database_url, pools),
        campaign_changes=CampaignChanges(pools),
        actor="bench",
    )
    begun = time.perf_counter()
    answer = await schema.execute(document, context_value=context, variable_values=variables)
    took = time.perf_counter() - begun
    await context.wakeup.close()
    if answer.errors is not None:
        raise RuntimeError(str(answer.errors))
    return took, answer.data


@benchmark("bulk")
async def bulk(size: Size) -> list[Row]:
    """10,000 messages are previewed and retried; and some of as many others one by one."""
    with durable_postgres() as server:
        settings = read_settings(
            database_url=server.url("mail"),
            redis_url="redis://127.0.0.1:1",  # nobody is there to be woken
            public_url="https://mail.example.com",
            default_from="hello@fabrikam.com",
            relay_url="smtp://127.0.0.1",
            secret_keys=SECRET_KEYS,
            allow_reserved_domains=True,
        )
        deployment = Deployment.open(settings)
        pool = await open_pool(server.url("mail"), size=2, name="bench")
        pools = await open_pools(server.url("mail"))
        ids = await make_uncertain(pool, deployment, MESSAGES + ONE_BY_ONE)
        singly = 0.0
        for one in ids[:ONE_BY_ONE]:
            singly += (await execute(pools, deployment, RETRY, id=one))[0]
        shown, found = await execute(pools, deployment, PREVIEW, filter={"statuses": ["UNCERTAIN"]})
        preview = found["previewMessageAction"]
        acted, done = await execute(pools, deployment, ACT, token=preview["token"])
        pool.terminate()
        pools.reading.terminate()
        pools.writing.terminate()
    if done["retryMessages"] != {"done": MESSAGES, "skipped": 0}:
        raise RuntimeError(f"not all were done: {done}")
    each = f"; one by one {1000 * singly / ONE_BY_ONE:.1f} ms each" if singly else ""
    return [
        Row(
            name="bulk-preview", value=shown, unit="s", goal=PREVIEW_GOAL, met=shown <= PREVIEW_GOAL,
            note=f"of {preview['messages']:,} messages; its token has {len(preview['token']):,} characters",
        ),
        Row(
            name="bulk-action", value=acted, unit="s", goal=ACTION_GOAL, met=acted <= ACTION_GOAL,
            note=f"{MESSAGES:,} retried{each}",
        ),
    ]  # fmt: skip
