"""Recording hits: in batches, in memory and in Valkey while PostgreSQL is away, none lost."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

import service.settings
from gateway.database import open_pool, prepare_connection
from gateway.errors import BufferUnavailable
from gateway.mail.tracking import click_url, open_url, unsubscribe_url
from gateway.settings import Settings
from gateway.tracking.buffer import HitBuffer
from gateway.tracking.recorder import HitOutcome, HitRecorder
from service.app import create_app
from service.standalone.migrate import migrate
from service.standalone.postgres import Postgres
from tests.builders import KEYRING
from tests.eventually import eventually
from tests.hits import make_ref, raw
from tests.servers import stop

Record = Callable[..., HitRecorder]


@pytest.fixture
async def record(redis_url: str) -> AsyncIterator[Record]:
    """Makes recorders that write to a pool; they are closed at the end, however the test ends."""
    recorders: list[HitRecorder] = []

    def make(pool: Any, url: str = redis_url) -> HitRecorder:
        recorders.append(HitRecorder(pool, HitBuffer(url)))
        return recorders[-1]

    yield make
    for recorder in recorders:
        await recorder.close()


@pytest.fixture
def own_postgres(run_directory: Path) -> Iterator[Postgres]:
    """A server of this test's own, to be stopped and started: the session's serves other tests."""
    made = run_directory / f"own-{uuid4().hex[:6]}"
    made.mkdir()
    server = Postgres(data=made / "data", run=made, log=made / "log", durable=False)
    server.start()
    server.wait_ready()
    migrate(server.url("mail"))
    yield server
    stop(server.process, signal.SIGQUIT)


async def test_postgresql_stops_under_load_and_no_hit_is_lost(
    own_postgres: Postgres, record: Record, buffer: HitBuffer
) -> None:
    # Given hits that keep coming
    pool = await open_pool(own_postgres.url("mail"), size=4, name="test")
    refs = [await make_ref(pool) for _ in range(5)]
    recorder = record(pool)
    recorder.start()
    sent = 0

    async def load(until: float) -> None:
        nonlocal sent
        while time.monotonic() < until:
            for ref in refs:
                recorder.add(raw(ref, link=sent % 7 + 1))
                sent += 1
            await asyncio.sleep(0.01)

    await load(time.monotonic() + 0.5)
    await eventually(lambda: pool.fetchval("select count(*) > 0 from hit"), "a first hit")
    # When PostgreSQL is stopped in the middle, and hits keep coming
    loading = asyncio.create_task(load(time.monotonic() + 3))
    await asyncio.to_thread(stop, own_postgres.process, signal.SIGINT)

    async def buffered() -> bool:
        return await buffer.size() > 0

    await eventually(buffered, "hits in Valkey")
    # And it comes back
    await asyncio.to_thread(own_postgres.start)
    await asyncio.to_thread(own_postgres.wait_ready)
    await loading

    # Then every hit is there, once
    async def arrived() -> bool:
        try:
            return bool(await pool.fetchval("select count(*) = $1 from hit", sent))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False

    await eventually(arrived, f"{sent} hits")

    async def emptied() -> bool:
        return await buffer.size() == 0

    # What waits in Valkey is removed after it can be read
    await eventually(emptied, "an empty list")
    assert recorder.counts[HitOutcome.DROPPED] == 0
    assert recorder.counts[HitOutcome.BUFFERED] > 0
    await recorder.close()
    pool.terminate()


async def test_without_postgresql_links_lead_on_and_no_unsubscribe_is_promised(
    own_postgres: Postgres, settings: Settings
) -> None:
    # Given a service whose PostgreSQL is stopped
    gateway_settings = settings.model_copy(update={"database_url": own_postgres.url("mail")})
    names = ("database_url", "redis_url", "public_url")
    own = service.settings.read_settings(
        **{name: getattr(gateway_settings, name) for name in names}, pool_wait_seconds=1
    )
    app = create_app(own, gateway_settings)
    pool = await open_pool(gateway_settings.database_url, size=2, name="test")
    ref = await make_ref(pool)
    browser = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=gateway_settings.public_url)
    async with app.router.lifespan_context(app), browser:
        await asyncio.to_thread(stop, own_postgres.process, signal.SIGINT)
        # When a reader opens, follows a link and unsubscribes
        opened = await browser.get(open_url(KEYRING, gateway_settings.public_url, ref))
        clicked = await browser.get(click_url(KEYRING, gateway_settings.public_url, ref, 1, "https://shop.example/"))
        leave = unsubscribe_url(KEYRING, gateway_settings.public_url, ref)
        asked, left = await browser.get(leave), await browser.post(leave, data={"List-Unsubscribe": "One-Click"})
        # Then the reader gets where the link leads, and hears that nothing was changed
        assert (opened.status_code, clicked.status_code) == (200, 302)
        assert (asked.status_code, left.status_code) == (503, 503)
        assert left.headers["retry-after"] == "5"
        assert "Nothing has changed" in left.text
        # And when PostgreSQL is back, the hits arrive, the unsubscribe does not, until it is asked again
        await asyncio.to_thread(own_postgres.start)
        await asyncio.to_thread(own_postgres.wait_ready)

        async def arrived() -> bool:
            try:
                return bool(await pool.fetchval("select count(*) = 2 from hit"))
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                return False

        await eventually(arrived, "both hits")
        assert await pool.fetchval("select count(*) from address_opt_out") == 0
        assert (await browser.post(leave, data={"List-Unsubscribe": "One-Click"})).status_code == 200
        assert await pool.fetchval("select count(*) from address_opt_out") == 1
    pool.terminate()


async def test_what_waits_at_the_end_is_kept_for_the_next_process(pool: Any, database_url: str, record: Record) -> None:
    # Given a process that cannot reach PostgreSQL and is told to end
    ref = await make_ref(pool)
    gone = await open_pool(database_url, size=1, name="gone")
    await gone.close()
    dying = record(gone)
    dying.start()
    for _ in range(3):
        dying.add(raw(ref))
    await dying.close()
    assert dying.counts == {HitOutcome.BUFFERED: 3}
    # When the next one starts
    record(pool).start()
    # Then it brings them in
    await eventually(lambda: pool.fetchval("select count(*) = 3 from hit"), "three hits")


async def test_a_long_list_does_not_hold_up_the_end(
    pool: Any, record: Record, buffer: HitBuffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a list that takes long to bring in
    monkeypatch.setattr("gateway.tracking.recorder.MAX_BATCH", 1)
    ref = await make_ref(pool)
    await buffer.push([raw(ref).to_json() for _ in range(5000)])
    recorder = record(pool)
    recorder.start()
    await eventually(lambda: pool.fetchval("select count(*) > 0 from hit"), "a first hit")
    # When the process ends in the middle
    await recorder.close()
    # Then what is not in the ledger waits for the next one
    assert await buffer.size() > 0
    assert await buffer.size() + await pool.fetchval("select count(*) from hit") == 5000


async def test_without_valkey_hits_wait_in_memory_and_the_limit_is_counted(
    pool: Any, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.tracking.recorder.MAX_IN_MEMORY", 5)
    nowhere = "redis://127.0.0.1:1/0"
    with pytest.raises(BufferUnavailable, match="REDIS_URL"):
        await HitBuffer(nowhere).size()
    ref = await make_ref(pool)
    recorder = record(pool, nowhere)
    for _ in range(8):
        recorder.add(raw(ref))
    assert recorder.counts == {HitOutcome.DROPPED: 3}
    # PostgreSQL alone is enough
    recorder.start()
    await eventually(lambda: pool.fetchval("select count(*) = 5 from hit"), "five hits")


async def test_what_is_no_hit_in_the_list_does_not_stop_the_others(
    pool: Any, record: Record, buffer: HitBuffer
) -> None:
    ref = await make_ref(pool)
    await buffer.push([b"nonsense", raw(ref).to_json(), b"{}", b"[1]"])
    recorder = record(pool)
    recorder.start()
    await counted(recorder, {HitOutcome.DROPPED: 3, HitOutcome.RECORDED: 1})
    assert await pool.fetchval("select count(*) from hit") == 1


async def counted(recorder: HitRecorder, counts: dict[HitOutcome, int]) -> None:
    """Waits: a group is counted after it can be read."""

    async def equal() -> bool:
        return recorder.counts == counts

    await eventually(equal, f"{counts}")


async def test_what_postgresql_refuses_does_not_stop_what_comes_after(
    pool: Any, record: Record, buffer: HitBuffer
) -> None:
    # Given a hit in the list that no ledger will ever take
    ref = await make_ref(pool)
    await buffer.push([raw(ref, link=2**40).to_json()])
    recorder = record(pool)
    # When another comes
    recorder.add(raw(ref))
    recorder.start()
    # Then that one is there, and the first is counted as lost
    await counted(recorder, {HitOutcome.DROPPED: 1, HitOutcome.RECORDED: 1})
    assert await pool.fetchval("select count(*) from hit") == 1

    async def emptied() -> bool:
        return await buffer.size() == 0

    await eventually(emptied, "an empty list")


async def test_one_refused_hit_takes_none_of_its_group_along(pool: Any, record: Record) -> None:
    # Given two hits that no ledger takes, one that the driver refuses and one that PostgreSQL does, among others
    ref = await make_ref(pool)
    group = [raw(ref, link=number) for number in range(1, 51)]
    group[17] = raw(ref, link=2**40)
    group[18] = raw(ref, url=None)
    recorder = record(pool)
    for one in group:
        recorder.add(one)
    # When they are written together
    recorder.start()
    # Then these two are missing, and no other
    await counted(recorder, {HitOutcome.DROPPED: 2, HitOutcome.RECORDED: 48})
    links = [row["link"] for row in await pool.fetch("select link from hit order by link")]
    assert links == [number for number in range(1, 51) if number not in (18, 19)]


async def test_a_ledger_that_cannot_be_written_keeps_hits_waiting(
    pool: Any, database_url: str, record: Record, buffer: HitBuffer
) -> None:
    # Given a PostgreSQL that answers and takes nothing, as a standby does
    ref = await make_ref(pool)
    read_only = {"default_transaction_read_only": "on"}
    standby = await asyncpg.create_pool(database_url, min_size=1, init=prepare_connection, server_settings=read_only)
    recorder = record(standby)
    recorder.start()
    # When a hit comes
    recorder.add(raw(ref))

    async def waits() -> bool:
        return await buffer.size() == 1

    # Then it waits for one that does
    await eventually(waits, "a hit in Valkey")
    await recorder.close()
    assert recorder.counts == {HitOutcome.BUFFERED: 1}
    record(pool).start()
    await eventually(lambda: pool.fetchval("select count(*) = 1 from hit"), "the hit")
    standby.terminate()
