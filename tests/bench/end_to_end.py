"""A launched campaign and its customers, on a PostgreSQL with fsync.

`in_tree` uses `durable_postgres`, `make_audience`, `make_campaign` and `PAGE` of older commits by these names.
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
from tests.servers import migrated_postgres

PARAGRAPH = (
    "<p>Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore.</p>"
)
LINKS = "".join(f'<p><a href="https://fabrikam.com/news/{number}">Read on</a></p>' for number in range(3))
PAGE = (
    f"<p>Hello {{{{ first_name }}}}</p>{PARAGRAPH * 59}{LINKS}"
    '<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">unsubscribe</a></p>'
)
"""With its text part 8 KB as sent, like the mails of the other senders. Tracked it has three links and a pixel."""


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
        actor="test",
    )
    profile = await sender_profiles.create(
        connection, name="Bench", from_address="news@fabrikam.com", from_name="Fabrikam", postal_address="1 Main"
    )
    campaign_id: UUID = await connection.fetchval(
        "insert into campaign (title, kind, sender_version_id, status, launched_at, tracked)"
        " select $1, 'MARKETING', v.id, 'RUNNING', now(), false"
        " from sender_version v where v.sender_id = $2 order by v.number desc limit 1 returning id",
        f"Bench {number}",
        profile.sender_id,
    )
    mailing_id = await connection.fetchval(
        "insert into mailing (campaign_id, number, status, template_version_id, due_at, frozen_at, recipients)"
        " values ($1, 1, 'RUNNING', $2, now(), now(), $3) returning id",
        campaign_id,
        published.version_id,
        count,
    )
    await connection.execute(
        "insert into mailing_recipient (mailing_id, due_at, customer_id, address, address_key, merge_data)"
        ' select $1, now(), a.customer_id, a.address, a.address_key, \'{"first_name": "Ann"}\''
        " from customer_address a order by a.customer_id limit $2",
        mailing_id,
        count,
    )
    await connection.execute(
        "insert into lane (name, campaign_id, mailing_id, priority) values ($3, $1, $2, 104)",
        campaign_id,
        mailing_id,
        str(number),
    )
    return campaign_id
