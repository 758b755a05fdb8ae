"""An import carried out: customers made and updated as the lines say, whatever stops in the middle."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from gateway.campaigns import imports
from gateway.campaigns.import_job import ImportJob
from gateway.campaigns.import_reader import WINDOW
from gateway.deployment import Deployment
from gateway.settings import Settings
from tests.builders import SECRET_KEYS, insert, make_customer
from tests.eventually import eventually
from tests.importing import carry_out, customers, errors, outcome, run, start, upload

TABLE = """externalRef,E-mail,Name,Language,Time zone,Tags,City
C-1,ada@fabrikam.com,Ada Lovelace,en-GB,Europe/London,vip; north,London
C-2,grace@fabrikam.com,"Hopper, Grace",en,,,"New
York"
"""


async def make_list(connection: Any, **values: Any) -> int:
    row = await insert(connection, "customer_list", **{"name": "Spring", "kind": "FIXED", "actor": "jo", **values})
    return int(row["id"])


async def test_lines_become_customers_with_all_that_they_say(connection: Any, deployment: Deployment) -> None:
    # Given a table with every kind of column
    table = TABLE.replace('"New\nYork"', "New York")
    # When it is imported
    import_id = await run(connection, table, deployment)
    # Then each line is a customer
    assert await outcome(connection, import_id) == ("FINISHED", {"read": 2, "created": 2})
    ada, grace = await customers(connection)
    assert ada == {
        "external_ref": "C-1",
        "name": "Ada Lovelace",
        "locale": "en-GB",
        "time_zone": "Europe/London",
        "tags": ["north", "vip"],
        "attributes": {"city": "London"},
        "addresses": ["ada@fabrikam.com"],
        "lists": [],
    }
    assert (grace["name"], grace["tags"], grace["time_zone"]) == ("Hopper, Grace", [], None)
    row = await connection.fetchrow("select total, finished_at is not null as ended from customer_import")
    assert tuple(row) == (2, True)


async def test_a_second_import_of_the_same_file_changes_nothing(connection: Any, deployment: Deployment) -> None:
    table = "email,name,seats\nada@fabrikam.com,Ada,12\ngrace@fabrikam.com,Grace,\n"
    await run(connection, table, deployment, seats="attributes.seats:number")
    before = await customers(connection)
    assert [one["external_ref"] for one in before] == sorted(
        f"import:{Deployment.key_of(deployment, address).hex()}"
        for address in ("ada@fabrikam.com", "grace@fabrikam.com")
    )
    assert {one["attributes"].get("seats") for one in before} == {12, None}
    again = await run(connection, table, deployment, seats="attributes.seats:number")
    assert await outcome(connection, again) == ("FINISHED", {"read": 2, "unchanged": 2})
    assert await customers(connection) == before


async def test_lines_match_by_reference_else_by_the_address_of_the_oldest_holder(
    connection: Any, deployment: Deployment
) -> None:
    # Given two customers who share an address, and one of whom another line names the reference
    await make_customer(connection, external_ref="B", addresses=["shared@fabrikam.com"], name=None)
    await make_customer(connection, external_ref="A", addresses=["Shared@fabrikam.com"], name=None)
    await make_customer(connection, external_ref="C", addresses=["c@fabrikam.com"], name="Old")
    table = "id,email,name\n,SHARED@fabrikam.com,By address\nC,new@fabrikam.com,By reference\nD,c@fabrikam.com,\n"
    # When lines name an address alone, a reference with another address, and an unknown reference with a known address
    import_id = await run(connection, table, deployment)
    # Then the oldest holder is meant by the address; a reference means its own customer, and a new one makes one
    assert await outcome(connection, import_id) == ("FINISHED", {"read": 3, "updated": 2, "created": 1})
    found = {one["external_ref"]: (one["name"], one["addresses"]) for one in await customers(connection)}
    assert found == {
        "A": (None, ["Shared@fabrikam.com"]),
        "B": ("By address", ["shared@fabrikam.com"]),
        "C": ("By reference", ["c@fabrikam.com", "new@fabrikam.com"]),
        "D": (None, ["c@fabrikam.com"]),
    }


@pytest.mark.parametrize("batch", [1, 2, 5000])
async def test_a_later_line_updates_the_customer_of_an_earlier_one(
    connection: Any, deployment: Deployment, batch: int
) -> None:
    # Given a file that names two customers several times, in other spellings and with more of them each time
    table = (
        "id,email,name,tags\n"
        ",ada@fabrikam.com,Ada,a\n,ADA@FABRIKAM.COM,Ada Lovelace,b\nC,c@fabrikam.com,,\n"
        "C,ada@fabrikam.com,Cee,\n,ada@fabrikam.com,Ada Lovelace,\nC,,Cee,\n"
    )
    import_id = await upload(connection, table, deployment)
    await start(connection, import_id)
    # When it is carried out in batches of any size
    await carry_out(connection, deployment, batch=batch)
    # Then what comes of it is the same
    counts = {"read": 6, "created": 2, "updated": 2, "unchanged": 2}
    assert await outcome(connection, import_id) == ("FINISHED", counts)
    cee, ada = await customers(connection)
    assert (cee["name"], cee["addresses"]) == ("Cee", ["c@fabrikam.com", "ada@fabrikam.com"])
    assert (ada["name"], ada["tags"], ada["addresses"]) == ("Ada Lovelace", ["a", "b"], ["ada@fabrikam.com"])


async def test_an_import_adds_and_lifts_nothing(connection: Any, deployment: Deployment) -> None:
    # Given a customer with two addresses, one of them suppressed, an opt-out, tags and values
    held = "held@fabrikam.com"
    customer = await make_customer(
        connection, external_ref="C", addresses=["first@fabrikam.com", held], tags=["vip"], attributes={"a": "1"}
    )
    key = deployment.key_of(held)
    await insert(connection, "suppression", address_key=key, reason="COMPLAINT", actor="gateway")
    opt_out = {"kind": "MARKETING", "source": "STAFF", "actor": "jo"}
    await insert(connection, "opt_out", customer_id=customer, **opt_out)
    await insert(connection, "address_opt_out", address_key=deployment.key_of("new@fabrikam.com"), **opt_out)
    # When a line names it with another address, empty cells, another tag and another value
    await run(connection, "id,email,name,tags,b\nC,new@fabrikam.com,,new,2\n", deployment)
    # Then all that was there is there, and the new behind it
    [found] = await customers(connection)
    assert found["addresses"] == ["first@fabrikam.com", held, "new@fabrikam.com"]
    assert (found["tags"], found["attributes"]) == (["new", "vip"], {"a": "1", "b": "2"})
    assert found["name"] is not None
    standing = (
        "select (select count(*) from suppression), (select count(*) from opt_out),"
        " (select count(*) from address_opt_out)"
    )
    assert tuple(await connection.fetchrow(standing)) == (1, 1, 1)


async def test_a_dry_run_writes_no_customer_and_says_what_would_be(connection: Any, deployment: Deployment) -> None:
    # Given a known customer and a file with a new one, a change and a broken address
    await make_customer(connection, external_ref="K", addresses=["known@fabrikam.com"], name="Known")
    before = await customers(connection)
    list_id = await make_list(connection)
    table = "email,name\nnew@fabrikam.com,New\nknown@fabrikam.com,Changed\nnobody,\n"
    # When it is checked
    import_id = await run(connection, table, deployment, dry_run=True, list_id=list_id)
    # Then nothing is written but what would be
    assert await outcome(connection, import_id) == ("CHECKED", {"read": 3, "created": 1, "updated": 1, "failed": 1})
    assert await errors(connection, import_id) == [(4, "email", "ADDRESS_INVALID")]
    assert await customers(connection) == before
    # And when it is then carried out, it begins anew and does just that
    await start(connection, import_id, list_id=list_id)
    assert await errors(connection, import_id) == []
    await carry_out(connection, deployment)
    assert await outcome(connection, import_id) == ("FINISHED", {"read": 3, "created": 1, "updated": 1, "failed": 1})
    assert [one["lists"] for one in await customers(connection)] == [[list_id], [list_id]]


async def test_refused_lines_say_why_and_the_others_are_imported(connection: Any, deployment: Deployment) -> None:
    # Given an erased customer and lines that are wrong in every way
    await make_customer(connection, external_ref="gone", addresses=[])
    await connection.execute("update customer set erased_at = now()")
    table = (
        "id,email,name,language,zone,city\n"
        "A,a@fabrikam.com,Ada,en,Europe/Berlin,Berlin\n"  # 2: right
        ",nobody,x,tlh-Klingon,Nowhere,y\n"  # 3: three faults
        ",,Nobody,,,\n"  # 4: nobody's
        "B,b@fabrikam.com\n"  # 5: too short
        '"C","c@fabrikam.com","multi\nline",en,,\n'  # 6 and 7: a line break in a name
        "D,d@fabrikam.test,,,,\n"  # 8: reserved, which this deployment allows
        "E,,,,,4111 1111 1111 1111\n"  # 9: a card
        "gone,new@fabrikam.com,,,,\n"  # 10: erased
        "\n,,,,,\n"  # 11 and 12: blank
        "F,,,,,\n"  # 13: right
    )
    import_id = await run(connection, table, deployment, zone="timeZone")
    # Then the right ones are there, each wrong one with its number and reasons
    assert await outcome(connection, import_id) == ("FINISHED", {"read": 9, "created": 3, "failed": 6})
    assert await errors(connection, import_id) == [
        (3, "email", "ADDRESS_INVALID"),
        (3, "language", "INVALID"),
        (3, "zone", "INVALID"),
        (4, None, "REQUIRED"),
        (5, None, "INVALID"),
        (6, "name", "HEADER_INJECTION"),
        (9, "city", "CARD_NUMBER"),
        (10, None, "ERASED"),
    ]
    # And no card number is kept beside its refusal
    kept = await connection.fetchval("select line_values from import_error where line = 9")
    assert kept == ["E", "", "", "", "", ""]
    assert await connection.fetchval("select total from customer_import") == 9


async def test_what_cannot_be_read_at_all_is_refused_before_anything_is_written(
    connection: Any, deployment: Deployment
) -> None:
    # Given files whose end is broken in every way, after lines that are right
    right = "email,name\n" + "".join(f"c{number}@fabrikam.com,Name {number}\n" for number in range(20))
    endings = {
        'x@fabrikam.com,"open\nand\non': (22, "never closed"),
        'x@fabrikam.com,"Ann" Lee\ny@fabrikam.com,\n': (22, "broken"),
        'x@fabrikam.com,"' + "x" * 70_000 + '"\n': (22, "65,536"),
        "x@fabrikam.com," + ",".join(["x" * 60_000] * 20) + "\n": (22, "octets"),
        "x@fabrikam.com," + "," * (2 * WINDOW): (22, "octets"),
    }
    for ending, (line, reason) in endings.items():
        # When they are to be carried out
        import_id = await run(connection, right + ending, deployment)
        # Then the line that ends the reading is named, and there is no customer
        assert await outcome(connection, import_id) == ("FAILED", {}), reason
        row = await connection.fetchrow("select line, code, message from import_error where import_id = $1", import_id)
        assert (row["line"], row["code"]) == (line, "INVALID")
        assert reason in row["message"]
    assert await connection.fetchval("select count(*) from customer") == 0


async def test_a_file_of_too_many_lines_is_refused(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.campaigns.import_job.MAX_LINES", 3)
    table = "email\n" + "".join(f"c{number}@fabrikam.com\n" for number in range(4))
    import_id = await run(connection, table, deployment)
    assert await outcome(connection, import_id) == ("FAILED", {})
    assert "at most 3 lines" in await connection.fetchval("select message from import_error")
    three = await run(connection, table.rpartition("c3")[0], deployment)
    assert await outcome(connection, three) == ("FINISHED", {"read": 3, "created": 3})


async def test_customers_join_the_list_and_members_stay(connection: Any, deployment: Deployment) -> None:
    # Given a list with a member that a person added
    member = await make_customer(connection, external_ref="M", addresses=["m@fabrikam.com"])
    list_id = await make_list(connection)
    await insert(connection, "list_member", list_id=list_id, customer_id=member, actor="jo")
    # When an import names it and another one, and a broken address
    await run(connection, "email\nm@fabrikam.com\nn@fabrikam.com\nnobody\n", deployment, list_id=list_id)
    # Then the other one joins, by the import
    rows = await connection.fetch("select actor from list_member order by customer_id")
    assert [row["actor"] for row in rows] == ["jo", "import customers.csv"]


async def test_a_list_that_is_deleted_meanwhile_ends_the_import(connection: Any, deployment: Deployment) -> None:
    list_id = await make_list(connection)
    import_id = await upload(connection, "email\na@fabrikam.com\nb@fabrikam.com\n", deployment)
    await start(connection, import_id, list_id=list_id)
    job = ImportJob(deployment, 1)
    assert await job.carry_on(connection)  # read
    assert await job.carry_on(connection)  # the first line
    await connection.execute("delete from customer_list")
    while await job.carry_on(connection):
        pass
    assert await outcome(connection, import_id) == ("FAILED", {"read": 1, "created": 1})
    assert "was deleted" in await connection.fetchval("select message from import_error")


def long_table(lines: int) -> str:
    """Lines of which some repeat customers and some are broken, with line breaks in quotes."""
    rows = [f'{number % 70},c{number % 90}@fabrikam.com,"Ann\n {number}",é€{number}' for number in range(lines)]
    rows[17], rows[150] = "17,broken,Name,x", "1,2"
    return "id,email,note,city\n" + "\n".join(rows)


async def check_as_if_in_one_go(connection: Any, deployment: Deployment, import_id: UUID, table: str) -> None:
    """What was imported with interruptions equals what is imported at once into an empty ledger."""
    found = await customers(connection), await outcome(connection, import_id), await errors(connection, import_id)
    await connection.execute("delete from customer_address; delete from customer")
    whole = await run(connection, table, deployment, note=None)
    assert found == (
        await customers(connection),
        await outcome(connection, whole),
        await errors(connection, whole),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
async def test_a_kill_anywhere_loses_nothing_and_does_nothing_twice(
    pool: asyncpg.Pool[Any], deployment: Deployment, encoding: str
) -> None:
    # Given an import under way
    table = long_table(200)
    async with pool.acquire() as connection:
        import_id = await upload(connection, table.encode(encoding), deployment)
        await start(connection, import_id, note=None)
        # When each step is killed at another moment, and a worker that knows nothing does it anew
        for kills in range(400):
            async with pool.acquire() as own:
                step = asyncio.create_task(ImportJob(deployment, 7).carry_on(own))
                for _ in range(kills % 23):
                    await asyncio.sleep(0)
                step.cancel()
                await asyncio.gather(step, return_exceptions=True)
            if not await ImportJob(deployment, 7).carry_on(connection):
                break
        # Then all is as if it had been done at once
        await check_as_if_in_one_go(connection, deployment, import_id, table)


async def test_a_killed_process_is_followed_by_another(
    connection: Any, deployment: Deployment, settings: Settings
) -> None:
    # Given an import under way in a process of its own
    table = long_table(3000)
    import_id = await upload(connection, table, deployment)
    await start(connection, import_id, note=None)
    environment = os.environ | {
        "DATABASE_URL": settings.database_url,
        "PUBLIC_URL": settings.public_url,
        "DEFAULT_FROM": settings.default_from,
        "RELAY_URL": "smtp://127.0.0.1",
        "SECRET_KEYS": SECRET_KEYS,
        "ALLOW_RESERVED_DOMAINS": "1",
    }
    command = (sys.executable, "-m", "tests.import_process")
    in_the_middle = 0
    for kill in range(1, 5):
        process = await asyncio.create_subprocess_exec(*command, env=environment)
        # When it is killed in the middle, some batches later each time
        done = f"select read >= {kill * 400} or finished_at is not null from customer_import"  # noqa: S608 - a number
        await eventually(lambda done=done: connection.fetchval(done), "some batches")  # type: ignore[misc]  # bound now
        process.kill()
        await process.wait()
        in_the_middle += await connection.fetchval("select finished_at is null from customer_import")
    assert in_the_middle > 0
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    assert await process.wait() == 0
    # Then the last one has brought it to its end as one process would have
    await check_as_if_in_one_go(connection, deployment, import_id, table)


@pytest.mark.parametrize(("chunk", "window"), [(48, 128), (61, 122), (100, 1000)])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
async def test_chunks_and_windows_may_end_anywhere(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch, chunk: int, window: int, encoding: str
) -> None:
    # Given a file that is cut within characters, quotes and line ends
    monkeypatch.setattr("gateway.campaigns.import_upload.CHUNK", chunk)
    monkeypatch.setattr("gateway.campaigns.import_job.CHUNK", chunk)
    monkeypatch.setattr("gateway.campaigns.import_job.WINDOW", window)
    table = long_table(160).replace("\n", "\r\n")
    import_id = await upload(connection, table.encode(encoding), deployment)
    await start(connection, import_id, note=None)
    await carry_out(connection, deployment)
    # Then it is imported as a whole one is
    monkeypatch.undo()
    await check_as_if_in_one_go(connection, deployment, import_id, table)


async def test_several_workers_do_each_line_once(pool: asyncpg.Pool[Any], deployment: Deployment) -> None:
    # Given two imports of the same customers
    table = long_table(200)
    async with pool.acquire() as connection:
        ids = [await upload(connection, table, deployment) for _ in range(2)]
        for import_id in ids:
            await start(connection, import_id, note=None)

        # When four workers carry on what they find
        async def work() -> None:
            job, idle = ImportJob(deployment, 10), 0
            while idle < 50:
                async with pool.acquire() as own:
                    try:
                        idle = 0 if await job.carry_on(own) else idle + 1
                    except asyncpg.DeadlockDetectedError:
                        continue

        await asyncio.gather(*(work() for _ in range(4)))
        # Then both are done, and every customer is there once
        for import_id in ids:
            status, counts = await outcome(connection, import_id)
            assert (status, counts["read"], counts["failed"]) == ("FINISHED", 200, 2)
        found = await customers(connection)
        await connection.execute("delete from customer_address; delete from customer")
        await run(connection, table, deployment, note=None)
        assert found == await customers(connection)


async def test_a_cancelled_import_stops_and_what_it_did_stays(connection: Any, deployment: Deployment) -> None:
    import_id = await upload(connection, "email\na@fabrikam.com\nb@fabrikam.com\n", deployment)
    await start(connection, import_id)
    job = ImportJob(deployment, 1)
    await job.carry_on(connection)
    await job.carry_on(connection)
    await imports.cancel(connection, import_id)
    assert not await job.carry_on(connection)
    assert await outcome(connection, import_id) == ("CANCELLED", {"read": 1, "created": 1})


async def test_a_fault_of_ours_ends_the_import_and_not_the_worker(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("gateway.campaigns.import_customers.apply", fail)
    import_id = await run(connection, "email\na@fabrikam.com\n", deployment)
    assert await outcome(connection, import_id) == ("FAILED", {})
    assert await errors(connection, import_id) == [(2, None, "INVALID")]


@pytest.mark.parametrize(
    "trouble", [asyncpg.OutOfMemoryError, asyncpg.InvalidCachedStatementError, asyncpg.DeadlockDetectedError]
)
async def test_an_import_goes_on_after_a_trouble_that_is_not_the_files(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch, trouble: type[asyncpg.PostgresError]
) -> None:
    # Given an import, and a server that is short of memory for a moment
    import_id = await upload(connection, "email\na@fabrikam.com\n", deployment)
    await start(connection, import_id)
    job = ImportJob(deployment)
    await job.carry_on(connection)

    def fail(*_: object) -> None:
        raise trouble("later")

    monkeypatch.setattr("gateway.campaigns.import_customers.apply", fail)
    with pytest.raises(trouble):
        await job.carry_on(connection)
    # When that is over, then the import is carried out
    monkeypatch.undo()
    await carry_out(connection, deployment)
    assert (await outcome(connection, import_id))[0] == "FINISHED"


async def test_of_very_many_refused_lines_the_first_are_kept(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.campaigns.import_job.MAX_KEPT", 3)
    import_id = await upload(connection, "email\n" + "nobody\n" * 10, deployment)
    await start(connection, import_id)
    await carry_out(connection, deployment, batch=2)
    assert await outcome(connection, import_id) == ("FINISHED", {"read": 10, "failed": 10})
    assert [line for line, _, _ in await errors(connection, import_id)] == [2, 3, 4]


async def test_no_customer_gets_more_addresses_or_tags_than_it_may_have(
    connection: Any, deployment: Deployment
) -> None:
    lines = [f"C,a{n}@fabrikam.com," + ";".join(f"t{n}-{i}" for i in range(6)) for n in range(22)]
    table = "\n".join(["id,email,tags", *lines])
    import_id = await run(connection, table, deployment)
    [found] = await customers(connection)
    assert (len(found["tags"]), len(found["addresses"])) == (96, 16)
    more = await run(connection, "id,email\n" + "".join(f"C,b{n}@fabrikam.com\n" for n in range(6)), deployment)
    assert (await outcome(connection, import_id))[1]["failed"] == 6
    assert await errors(connection, more) == [(6, None, "TOO_MANY"), (7, None, "TOO_MANY")]
