"""What people decide about imports, and what is kept of them how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from gateway.campaigns import import_upload, imports
from gateway.campaigns.import_columns import ColumnChoice
from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode, Refusals
from tests.builders import insert
from tests.importing import carry_out, outcome, run, start, upload

TABLE = "email,name\na@fabrikam.com,Ada\nnobody,\n"
NOW = timedelta(0)


async def refusals(connection: Any, import_id: UUID, **values: Any) -> list[tuple[RefusalCode, tuple[str, ...]]]:
    usual: dict[str, Any] = {"dry_run": True, "columns": [], "list_id": None}
    with pytest.raises((Refusal, Refusals)) as caught:
        await imports.start(connection, import_id, **(usual | values))
    error = caught.value
    found = error.refusals if isinstance(error, Refusals) else (error,)
    return [(one.code, one.field) for one in found if isinstance(one, Refusal)]


async def test_an_import_that_there_is_not_is_refused(connection: Any, deployment: Deployment) -> None:
    coming = await import_upload.begin(connection, file_name="a.csv", announced=0, actor="jo", deployment=deployment)
    for import_id in (uuid4(), coming):
        assert await refusals(connection, import_id) == [(RefusalCode.NOT_FOUND, ("importId",))]
        with pytest.raises(Refusal, match="no such import"):
            await imports.cancel(connection, import_id)


async def test_everything_that_is_wrong_is_told_together_and_nothing_is_begun(
    connection: Any, deployment: Deployment
) -> None:
    import_id = await upload(connection, TABLE, deployment)
    twice = [ColumnChoice(heading="name", field="address")]
    assert await refusals(connection, import_id, columns=twice, list_id=7) == [
        (RefusalCode.MAPPING_INVALID, ("columns",)),
        (RefusalCode.NOT_FOUND, ("listId",)),
    ]
    values = {"kind": "DYNAMIC", "criteria": {}, "name": "All", "actor": "jo"}
    dynamic = await insert(connection, "customer_list", **values)
    assert await refusals(connection, import_id, list_id=dynamic["id"]) == [(RefusalCode.INVALID, ("listId",))]
    assert await outcome(connection, import_id) == ("UPLOADED", {})


async def test_only_what_waits_is_started_and_only_what_goes_on_is_cancelled(
    connection: Any, deployment: Deployment
) -> None:
    # Given an import in each place of its life
    import_id = await upload(connection, TABLE, deployment)
    await start(connection, import_id, dry_run=True)
    illegal = [(RefusalCode.ILLEGAL_STATE, ("importId",))]
    assert await refusals(connection, import_id) == illegal  # it runs
    await carry_out(connection, deployment)
    await start(connection, import_id)  # checked, and now for good
    await carry_out(connection, deployment)
    assert await outcome(connection, import_id) == ("FINISHED", {"read": 2, "created": 1, "failed": 1})
    assert await refusals(connection, import_id) == illegal
    with pytest.raises(Refusal, match="finished"):
        await imports.cancel(connection, import_id)
    waiting = await upload(connection, TABLE, deployment)
    await imports.cancel(connection, waiting)
    assert await refusals(connection, waiting) == illegal
    with pytest.raises(Refusal, match="cancelled"):
        await imports.cancel(connection, waiting)


async def sweep_all(connection: Any, **values: Any) -> None:
    while await imports.sweep(connection, **values):
        pass


async def kept(connection: Any) -> tuple[int, int, int]:
    """How many imports, chunks and refused lines are there."""
    row = await connection.fetchrow(
        "select (select count(*) from customer_import), (select count(*) from import_chunk),"
        " (select count(*) from import_error)"
    )
    return tuple(row)


async def test_a_file_is_deleted_days_after_the_import_ended_and_its_counts_stay(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an import that has ended, of several chunks
    monkeypatch.setattr(import_upload, "CHUNK", 16)
    monkeypatch.setattr("gateway.campaigns.import_job.CHUNK", 16)
    monkeypatch.setattr(imports, "CHUNKS_AT_ONCE", 2)
    import_id = await run(connection, TABLE, deployment)
    # When it is swept before its time and at its time, then the file goes at its time, step by step
    await sweep_all(connection)
    assert await kept(connection) == (1, 3, 1)
    assert await imports.sweep(connection, kept_for=NOW)
    assert await kept(connection) == (1, 1, 1)
    await sweep_all(connection, kept_for=NOW)
    assert await kept(connection) == (1, 0, 0)
    # And what it came to stays, without anybody's values
    assert await outcome(connection, import_id) == ("FINISHED", {"read": 2, "created": 1, "failed": 1})
    columns = await connection.fetchval("select columns from customer_import")
    assert columns == [
        {"heading": "email", "field": "address", "sample": []},
        {"heading": "name", "field": "name", "sample": []},
    ]


async def test_what_was_refused_is_deleted_step_by_step(
    connection: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an import that has ended, with more refused lines than one step deletes
    monkeypatch.setattr(imports, "ERRORS_AT_ONCE", 2)
    import_id = await run(connection, TABLE, deployment)
    await connection.execute(
        "insert into import_error (import_id, line, number, code, message)"
        " select $1, 1000 + n, 0, 'INVALID', 'Refused.' from generate_series(1, 4) n",
        import_id,
    )
    # When it is swept step by step, then two go in each, and the file is told to be gone only after the last
    left = []
    while await imports.sweep(connection, kept_for=NOW):
        left.append((await kept(connection))[2])
    assert left == [3, 1, 0]
    assert not await connection.fetchval("select file_kept from customer_import")


async def test_a_file_that_nobody_started_is_deleted_too(connection: Any, deployment: Deployment) -> None:
    import_id = await upload(connection, TABLE, deployment)
    await sweep_all(connection, kept_for=NOW)
    assert await kept(connection) == (1, 0, 0)
    assert await refusals(connection, import_id) == [(RefusalCode.ILLEGAL_STATE, ("importId",))]


async def test_what_runs_is_never_swept(connection: Any, deployment: Deployment) -> None:
    import_id = await upload(connection, TABLE, deployment)
    await start(connection, import_id)
    await sweep_all(connection, kept_for=NOW, partial_after=NOW)
    assert await kept(connection) == (1, 1, 0)


async def test_half_an_upload_is_swept_after_hours(connection: Any, deployment: Deployment) -> None:
    coming = await import_upload.begin(connection, file_name="a.csv", announced=9, actor="jo", deployment=deployment)
    await import_upload.store_chunk(connection, coming, number=0, octets=b"email\n", received=6, deployment=deployment)
    await sweep_all(connection)
    assert await kept(connection) == (1, 1, 0)
    await sweep_all(connection, partial_after=NOW)
    assert await kept(connection) == (0, 0, 0)
