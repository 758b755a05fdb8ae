"""Queries read from replicas, one of which lags: nobody reads less than they wrote or were told of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

import gateway.settings
import service.settings
from gateway.database import connect, prepare_connection
from gateway.mail.message import MessageRef
from gateway.notify.changes import ChangeKind, notify_change
from service.auth.tokens import create_token
from service.metrics import READS
from tests.builders import make_customer, make_message
from tests.eventually import eventually
from tests.replication import ReplicatedPair, client_of, freeze, kill, replicated_pair, run_on, thaw
from tests.replication import ask as ask_server

UPSERT = """mutation($ref: String!) { upsertCustomers(input: {customers: [{externalRef: $ref}]}) {
    customers { id } userErrors { message } } }"""
BY_REF = "query($ref: String!) { customers(first: 5, search: $ref) { nodes { externalRef } } }"
BY_ID = "query($id: ID!) { customer(id: $id) { externalRef } }"


@pytest.fixture(scope="module")
def pair(run_directory: Path) -> Iterator[ReplicatedPair]:
    """A primary and its replica."""
    with replicated_pair(run_directory) as made:
        yield made


@pytest.fixture
async def lagging(pair: ReplicatedPair) -> AsyncIterator[ReplicatedPair]:
    """The pair, whose replica replays nothing while the test runs."""
    await run_on(pair.standby, "select pg_wal_replay_pause()")
    yield pair
    await run_on(pair.standby, "select pg_wal_replay_resume()")


@pytest.fixture
def settings_of(
    pair: ReplicatedPair, settings: gateway.settings.Settings, service_settings: service.settings.Settings
) -> Any:
    """Returns a function that opens a client of a service with this replica."""

    def open_client(**changes: Any) -> Any:
        usual = {"database_read_url": (pair.standby.url(),), "replica_lag_seconds": 3600.0}
        return client_of(pair.primary.url(), settings, service_settings, **(usual | changes))

    return open_client


async def ask(http: httpx.AsyncClient, query: str, headers: dict[str, str] | None = None, **variables: Any) -> Any:
    """The answer to one operation, without errors."""
    answer = await http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
    assert answer.status_code == 200, answer.text
    assert "errors" not in answer.json()
    return answer.json()


def found(answer: Any) -> list[str]:
    """The customers of a page."""
    return [node["externalRef"] for node in answer["data"]["customers"]["nodes"]]


def reads(server: str) -> float:
    """How many queries this process has read there."""
    value: float = READS.labels(server)._value.get()
    return value


async def replica_is_known(http: httpx.AsyncClient, state: str) -> None:
    """Waits until the replica is said to be in this state."""

    async def check() -> bool:
        return state in (await http.get("/readyz")).json()["replicas"]

    await eventually(check, f"a replica that is {state}")


async def test_who_has_written_reads_it_though_the_replica_lags(lagging: ReplicatedPair, settings_of: Any) -> None:
    async with settings_of() as writer, settings_of() as other:
        for http in (writer, other):
            await replica_is_known(http, "1: in")
        # When a client writes
        before = reads("primary")
        written = await ask(writer, UPSERT, ref="W-1")
        position = written["extensions"]["consistency"]
        # Then its next query reads that, from the primary
        assert found(await ask(writer, BY_REF, ref="W-1")) == ["W-1"]
        assert reads("primary") == before + 1
        # Another client may read less, from the replica
        before = reads("replica")
        assert found(await ask(other, BY_REF, ref="W-1")) == []
        assert reads("replica") == before + 1
        # But not if it names the position, by a header or as a browser does
        assert found(await ask(other, BY_REF, {"Consistency": position}, ref="W-1")) == ["W-1"]
        cookie = {"Cookie": f"consistency={position}"}
        assert found(await ask(other, BY_REF, cookie, ref="W-1")) == ["W-1"]
        # And what it was told of by another way is never null
        [customer] = written["data"]["upsertCustomers"]["customers"]
        assert (await ask(other, BY_ID, id=customer["id"]))["data"]["customer"] == {"externalRef": "W-1"}
        wrong = await other.post("/graphql", json={"query": "{ __typename }"}, headers={"Consistency": "yesterday"})
        assert (wrong.status_code, wrong.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")


async def test_who_has_uploaded_a_table_reads_it_though_the_replica_lags(
    lagging: ReplicatedPair, settings_of: Any
) -> None:
    imports = "{ imports(first: 5) { nodes { id } } }"
    async with settings_of() as writer, settings_of() as other:
        for http in (writer, other):
            await replica_is_known(http, "1: in")
        uploaded = await writer.post("/imports?name=c.csv", content=b"reference,name\nC-1,Ann\n")
        assert uploaded.status_code == 201

        async def seen_by(http: httpx.AsyncClient, headers: dict[str, str]) -> bool:
            nodes = (await ask(http, imports, headers))["data"]["imports"]["nodes"]
            return uploaded.json()["id"] in [node["id"] for node in nodes]

        # Here the next query shows it; elsewhere where the position is named, by the header or as a browser does
        position = uploaded.headers["Consistency"]
        assert await seen_by(writer, {"Cookie": ""})
        assert not await seen_by(other, {})
        assert await seen_by(other, {"Consistency": position})
        assert uploaded.headers["Set-Cookie"].startswith(f"consistency={position}; Path=/graphql; ")


async def test_a_replica_that_has_replayed_enough_is_read_and_waited_for(
    pair: ReplicatedPair, settings_of: Any
) -> None:
    async with settings_of() as http:
        await replica_is_known(http, "1: in")
        before = (reads("primary"), reads("replica"))
        for number in range(5):
            await ask(http, UPSERT, ref=f"R-{number}")
            assert found(await ask(http, BY_REF, ref=f"R-{number}")) == [f"R-{number}"]
        # A loaded machine may make some of them too late.
        assert reads("replica") > before[1]
        assert reads("primary") + reads("replica") == sum(before) + 5


async def test_a_replica_that_lags_too_far_is_left_out_until_it_has_caught_up(
    lagging: ReplicatedPair, settings_of: Any
) -> None:
    async with settings_of(replica_lag_seconds=0.2) as writer, settings_of(replica_lag_seconds=0.2) as other:
        await ask(writer, UPSERT, ref="L-1")
        await replica_is_known(other, "1: out")
        metrics = (await other.get("/metrics")).text
        assert 'database_replica_in{replica="1"} 0.0' in metrics
        assert found(await ask(other, BY_REF, ref="L-1")) == ["L-1"]
        await run_on(lagging.standby, "select pg_wal_replay_resume()")
        await replica_is_known(other, "1: in, 0.0 s behind")
        before = reads("replica")
        assert found(await ask(other, BY_REF, ref="L-1")) == ["L-1"]
        assert reads("replica") == before + 1


async def test_who_is_told_of_a_change_reads_it(lagging: ReplicatedPair, settings_of: Any) -> None:
    subject = """query($id: ID!) { customer(id: $id) { emails { connectionNotes(first: 5) { nodes { title } } } } }"""
    connection = await connect(lagging.primary.url())
    await prepare_connection(connection)
    customer_id = await make_customer(connection)
    follow = "subscription($id: ID!) { customerEmailsChanged(customerId: $id) { kind } }"
    body = {"query": follow, "variables": {"id": f"Customer_{customer_id}"}}
    async with settings_of() as http, settings_of() as elsewhere:
        for one in (http, elsewhere):
            await replica_is_known(one, "1: in")
        events = {"Accept": "text/event-stream"}
        async with http.stream("POST", "/graphql", json=body, headers=events, timeout=30) as stream:
            payloads = events_of(stream)
            # Given a client that follows a customer
            assert (await anext(payloads))["data"]["customerEmailsChanged"]["kind"] == "RESYNC"
            # When it is told of a mail
            message_id = await make_message(connection, customer_id, subject="Told of")
            ref = MessageRef(customer_id=customer_id, message_id=message_id)
            await notify_change(connection, ChangeKind.MESSAGE, [ref])
            told = await anext(payloads)
            assert told["data"]["customerEmailsChanged"]["kind"] == "MESSAGE"
            # Then it reads it, here and, naming the position, at any other process
            seen = {"Consistency": told["extensions"]["consistency"]}
            for answer in (
                await ask(http, subject, id=f"Customer_{customer_id}"),
                await ask(elsewhere, subject, seen, id=f"Customer_{customer_id}"),
            ):
                [note] = answer["data"]["customer"]["emails"]["connectionNotes"]["nodes"]
                assert note == {"title": "Told of"}
    await connection.close()


async def events_of(stream: httpx.Response) -> AsyncIterator[Any]:
    """The payloads of an event stream."""
    async for line in stream.aiter_lines():
        if line.startswith("data: {"):
            yield orjson.loads(line.removeprefix("data: "))


async def test_while_the_primary_is_frozen_whoever_has_a_token_reads_on(pair: ReplicatedPair, settings_of: Any) -> None:
    # Given a token that this service has not seen yet, and the replica has
    connection = await connect(pair.primary.url())
    token = await create_token(connection, "never seen")
    await connection.close()
    known = "select count(*) from api_token where name = 'never seen'"
    await eventually(lambda: ask_server(pair.standby, known), "the token on the replica")
    async with settings_of() as http:
        await replica_is_known(http, "1: in")
        # When the primary freezes
        freeze(pair.primary)
        try:
            # Then its owner reads, and somebody without one does not
            for _ in range(3):
                assert found(await ask(http, BY_REF, {"Authorization": f"Bearer {token}"}, ref="F-1")) == []
            body = {"query": "{ __typename }"}
            refused = await http.post("/graphql", json=body, headers={"Authorization": "Bearer wrong"})
            assert refused.status_code == 401
        finally:
            thaw(pair.primary)


async def test_a_replica_that_dies_costs_no_query(pair: ReplicatedPair, settings_of: Any) -> None:
    async with settings_of() as http:
        await replica_is_known(http, "1: in")
        assert found(await ask(http, BY_REF, ref="D-1")) == []
        querying = asyncio.gather(*(ask(http, BY_REF, ref="D-1") for _ in range(20)))
        await kill(pair.standby)
        await querying
        for _ in range(5):
            await ask(http, BY_REF, ref="D-1")
        await replica_is_known(http, "1: away")
        assert (await http.get("/readyz")).status_code == 200
