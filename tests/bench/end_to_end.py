"""A campaign whose mails are due, on a PostgreSQL with fsync; and the memory of a worker that sends it.

`in_tree` calls `durable_postgres`, `make_audience` and `make_campaign` of older commits by these names.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from gateway.compose import sender_profiles
from gateway.templates import versions
from gateway.templates.publishing import TemplateSource, compile_source
from service.standalone.postgres import Postgres
from tests.bench.commits import ROOT
from tests.bench.rows import Row, Size, at_most, bench
from tests.bench.sink import chosen_sink
from tests.bench.trees import measured_tree
from tests.servers import migrated_postgres

PARAGRAPH = (
    "<p>Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore.</p>"
)
PAGE = (
    f"<p>Hello {{{{ first_name }}}}</p>{PARAGRAPH * 55}"
    '<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">unsubscribe</a></p>'
)
"""With its text part about 8 KiB as sent, like the mails of the sender benchmark."""


@contextmanager
def durable_postgres() -> Iterator[Postgres]:
    """A migrated PostgreSQL server with fsync."""
    with (
        tempfile.TemporaryDirectory(prefix="cb-", dir="/tmp") as directory,
        migrated_postgres(Path(directory), "mail", durable=True) as server,
    ):
        yield server


async def make_audience(connection: Any, count: int) -> None:
    """Inserts `count` customers on fifty domains."""
    await connection.execute(
        "with made as (insert into customer (external_ref, name) select 'B-' || n, 'Customer ' || n"
        " from generate_series(1, $1::integer) n returning id)"
        " insert into customer_address (customer_id, position, address, address_key)"
        " select id, 0, 'c' || id || '@d' || id % 50 || '.example', sha256(id::text::bytea) from made",
        count,
    )


async def make_campaign(connection: Any, count: int, number: int) -> UUID:
    """Inserts a launched campaign to the first `count` customers, without messages; returns its id."""
    published = await versions.publish(
        connection,
        compile_source(
            TemplateSource(
                name="Bench",
                subject="News for {{ first_name }}",
                html=PAGE,
                text="Hello {{ first_name }} {{ unsubscribe_url }} {{ postal_address }}",
                sample_data={"first_name": "Ann"},
            )
        ),
    )
    profile = await sender_profiles.create(
        connection, name="Bench", from_address="news@fabrikam.com", from_name="Fabrikam", postal_address="1 Main"
    )
    campaign_id: UUID = await connection.fetchval(
        "insert into campaign (title, kind, template_version_id, sender_version_id, audience_size, status, launched_at,"
        " tracked) select $1, 'MARKETING', $2, v.id, $3, 'RUNNING', now(), false"
        " from sender_version v where v.sender_id = $4 order by v.number desc limit 1 returning id",
        f"Bench {number}",
        published.version_id,
        count,
        profile.sender_id,
    )
    await connection.execute(
        "insert into campaign_audience select $1, row_number() over (order by id), id, null,"
        ' \'{"first_name": "Ann"}\' from customer order by id limit $2',
        campaign_id,
        count,
    )
    await connection.execute(
        "insert into lane (name, campaign_id, priority) values ($2, $1, 104)", campaign_id, str(number)
    )
    return campaign_id


@bench("worker-memory")
async def memory(size: Size) -> Row:
    """The peak memory of a sending worker; the goal is below 150 MiB."""
    with chosen_sink() as sink:
        async with measured_tree("present", ROOT, sink, customers=size.messages) as tree:
            peak = await tree.peak_memory(size.messages)
    note = f"peak of the whole process over {size.messages:,} messages"
    return at_most("worker-memory", peak, unit="MiB", ceiling=150.0, goal=1.0, note=note)
