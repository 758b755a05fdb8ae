"""Imports in the API: listed, started, followed, cancelled, their refused lines read by pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, cast
from uuid import UUID, uuid4

import orjson
import pytest

from gateway.campaigns import import_upload
from gateway.campaigns.import_job import ImportJob
from gateway.deployment import Deployment
from gateway.settings import Settings
from service.graph.context import Context
from service.graph.node import row_global_id
from service.graph.schema import schema
from tests.builders import insert
from tests.importing import carry_out, customers, run, start, upload

MakeContext = Callable[..., Context]
FIELDS = """id status fileName encoding columns { heading field sample } dryRun read total created updated
  unchanged failed by createdAt finishedAt
  errors(first: 2) { nodes { line heading code message } pageInfo { hasNextPage endCursor }
    totalCount { value precision } }
  list { name }"""
LIST = (
    "query($first: Int = 50, $after: String) { imports(first: $first, after: $after) { nodes { id fileName }"
    " pageInfo { hasNextPage endCursor } } }"
)
NODE = f"query($id: ID!) {{ node(id: $id) {{ ... on CustomerImport {{ {FIELDS} }} }} }}"
ERRORS = """query($id: ID!, $after: String) { node(id: $id) { ... on CustomerImport {
  errors(first: 2, after: $after) { edges { cursor node { line heading } } pageInfo { hasNextPage endCursor } } } } }"""
START = f"""mutation($i: StartImportInput!) {{ a: startImport(input: $i) {{
  import {{ {FIELDS} }} userErrors {{ code field message }} }} }}"""
CANCEL = """mutation($i: CancelImportInput!) { a: cancelImport(input: $i) {
  import { status finishedAt } userErrors { code field } } }"""
FOLLOW = "subscription($id: ID!) { importChanged(importId: $id) { status read failed created } }"
TABLE = "email,name,city\na@fabrikam.com,Ada,Berlin\nnobody,Bob,Bonn\nc@fabrikam.com,Cee,Köln\n"


@pytest.fixture
def deployment(settings: Settings) -> Deployment:
    return Deployment.open(settings)


async def execute(context: Context, query: str, **variables: Any) -> Any:
    """The one field's value; there are no errors."""
    result = await schema.execute(query, context_value=context, variable_values=variables)
    assert result.errors is None, result.errors
    [value] = orjson.loads(orjson.dumps(result.data)).values()
    return value


def global_id(import_id: UUID) -> str:
    return row_global_id("CustomerImport", import_id)


async def test_an_import_shows_how_its_file_is_read(
    connection: Any, deployment: Deployment, make_context: MakeContext
) -> None:
    import_id = await upload(connection, TABLE.encode("cp1252"), deployment)
    found = await execute(make_context(), NODE, id=global_id(import_id))
    assert (found["id"], found["status"], found["fileName"]) == (global_id(import_id), "UPLOADED", "customers.csv")
    assert (found["encoding"], found["dryRun"], found["total"], found["by"]) == ("windows-1252", True, None, "tester")
    assert found["columns"][2] == {"heading": "city", "field": "attributes.city", "sample": ["Berlin", "Bonn", "Köln"]}
    assert found["finishedAt"] is None
    assert found["errors"]["nodes"] == []


async def test_imports_are_listed_newest_first_and_half_an_upload_is_none(
    connection: Any, deployment: Deployment, make_context: MakeContext
) -> None:
    # Given three imports and a file that is still coming
    made = [await upload(connection, TABLE, deployment, name=f"{number}.csv") for number in range(3)]
    coming = await import_upload.begin(connection, file_name="x.csv", announced=0, actor="jo", deployment=deployment)
    # When they are read by pages
    first = await execute(make_context(), LIST, first=2)
    rest = await execute(make_context(), LIST, first=2, after=first["pageInfo"]["endCursor"])
    # Then each whole one is there once
    assert [one["fileName"] for one in first["nodes"] + rest["nodes"]] == ["2.csv", "1.csv", "0.csv"]
    assert first["nodes"][0]["id"] == global_id(made[2])
    for nothing in (coming, uuid4()):
        assert await execute(make_context(), NODE, id=global_id(nothing)) is None


async def test_an_import_is_checked_and_then_carried_out(
    connection: Any, deployment: Deployment, make_context: MakeContext
) -> None:
    # Given a file, one column of which is to become something else, and a list
    import_id = await upload(connection, TABLE, deployment)
    fixed = await insert(connection, "customer_list", name="Spring", kind="FIXED", actor="jo")
    columns = [{"heading": "city", "field": "attributes.town"}]
    given = {"importId": global_id(import_id), "columns": columns, "listId": f"CustomerList_{fixed['id']}"}
    # When it is checked
    answer = await execute(make_context(), START, i=given)
    assert (answer["userErrors"], answer["import"]["status"], answer["import"]["dryRun"]) == ([], "RUNNING", True)
    await carry_out(connection, deployment)
    checked = await execute(make_context(), NODE, id=global_id(import_id))
    # Then it says what would be, with the refused line
    assert (checked["status"], checked["read"], checked["total"]) == ("CHECKED", 3, 3)
    assert (checked["created"], checked["failed"]) == (2, 1)
    assert [(one["line"], one["heading"], one["code"]) for one in checked["errors"]["nodes"]] == [
        (3, "email", "ADDRESS_INVALID")
    ]
    assert checked["errors"]["totalCount"] == {"value": 1, "precision": "EXACT"}
    assert checked["list"] == {"name": "Spring"}
    assert await customers(connection) == []
    # And when it is carried out, the columns stay as they were chosen
    answer = await execute(make_context(), START, i={**given, "columns": None, "dryRun": False})
    assert answer["userErrors"] == []
    await carry_out(connection, deployment)
    done = await execute(make_context(), NODE, id=global_id(import_id))
    assert (done["status"], done["created"], done["failed"]) == ("FINISHED", 2, 1)
    assert done["finishedAt"] is not None
    found = {one["attributes"]["town"]: one["lists"] for one in await customers(connection)}
    assert found == {"Berlin": [fixed["id"]], "Köln": [fixed["id"]]}
    # And a list that is deleted afterwards is null
    await connection.execute("delete from customer_list")
    assert (await execute(make_context(), NODE, id=global_id(import_id)))["list"] is None


async def test_very_many_refused_lines_are_counted_up_to_a_limit(
    connection: Any, deployment: Deployment, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.graph.imports.MAX_COUNTED_ERRORS", 1)
    import_id = await run(connection, "email\nnobody\nnobody\n", deployment)
    found = await execute(make_context(), NODE, id=global_id(import_id))
    assert found["errors"]["totalCount"] == {"value": 1, "precision": "AT_LEAST"}


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"columns": [{"heading": "name", "field": "address"}]}, "MAPPING_INVALID", ["columns"]),
        ({"columns": [{"heading": "nope"}]}, "MAPPING_INVALID", ["columns", "0", "heading"]),
        ({"columns": [{"heading": "city", "field": "town"}]}, "MAPPING_INVALID", ["columns", "0", "field"]),
        ({"columns": [{"heading": "email"}]}, "MAPPING_INVALID", ["columns"]),
        ({"listId": "CustomerList_7"}, "NOT_FOUND", ["listId"]),
        ({"listId": "Customer_7"}, "NOT_FOUND", ["listId"]),
        ({"listId": f"CustomerList_{2**40}"}, "NOT_FOUND", ["listId"]),
        ({"importId": global_id(UUID(int=7))}, "NOT_FOUND", ["importId"]),
        ({"importId": "Customer_7"}, "NOT_FOUND", ["importId"]),
    ],
)
async def test_what_cannot_be_started_says_why(
    connection: Any,
    deployment: Deployment,
    make_context: MakeContext,
    changes: dict[str, Any],
    code: str,
    field: list[str],
) -> None:
    import_id = await upload(connection, TABLE, deployment)
    answer = await execute(make_context(), START, i={"importId": global_id(import_id), **changes})
    assert answer["import"] is None
    assert [(one["code"], one["field"]) for one in answer["userErrors"]] == [(code, field)]
    assert await connection.fetchval("select status from customer_import") == "UPLOADED"


async def test_two_starts_at_once_are_one(connection: Any, deployment: Deployment, make_context: MakeContext) -> None:
    import_id = await upload(connection, TABLE, deployment)
    given = {"importId": global_id(import_id)}
    assert (await execute(make_context(), START, i=given))["userErrors"] == []
    [error] = (await execute(make_context(), START, i=given))["userErrors"]
    assert (error["code"], error["field"]) == ("ILLEGAL_STATE", ["importId"])
    assert "running" in error["message"]


async def test_an_import_is_cancelled_once(connection: Any, deployment: Deployment, make_context: MakeContext) -> None:
    import_id = await upload(connection, TABLE, deployment)
    await start(connection, import_id)
    given = {"importId": global_id(import_id)}
    answer = await execute(make_context(), CANCEL, i=given)
    assert (answer["userErrors"], answer["import"]["status"]) == ([], "CANCELLED")
    again = await execute(make_context(), CANCEL, i=given)
    assert again == {"import": None, "userErrors": [{"code": "ILLEGAL_STATE", "field": ["importId"]}]}


async def test_refused_lines_are_read_by_pages(
    connection: Any, deployment: Deployment, make_context: MakeContext
) -> None:
    # Given a line with two faults and one with one
    import_id = await upload(connection, "email,language\nnobody,nowhere\na@fabrikam.com,en\nx,\n", deployment)
    await start(connection, import_id)
    await carry_out(connection, deployment)
    first = (await execute(make_context(), ERRORS, id=global_id(import_id)))["errors"]
    rest = (await execute(make_context(), ERRORS, id=global_id(import_id), after=first["pageInfo"]["endCursor"]))[
        "errors"
    ]
    found = [(edge["node"]["line"], edge["node"]["heading"]) for edge in first["edges"] + rest["edges"]]
    assert found == [(2, "email"), (2, "language"), (4, "email")]
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
    wrong = await schema.execute(
        ERRORS, context_value=make_context(), variable_values={"id": global_id(import_id), "after": "x"}
    )
    assert "after" in str(wrong.errors)


async def follow(context: Context, import_id: UUID) -> AsyncIterator[dict[str, Any]]:
    stream = await schema.subscribe(FOLLOW, context_value=context, variable_values={"id": global_id(import_id)})
    async with aclosing(cast(Any, stream)) as results:
        async for result in results:
            assert result.errors is None, result.errors
            yield result.data["importChanged"]


async def test_an_import_is_followed_to_its_end(
    connection: Any, deployment: Deployment, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.graph.imports.FOLLOW_SECONDS", 0.01)
    # Given somebody who follows an import before it is started
    import_id = await upload(connection, TABLE, deployment)
    async with aclosing(cast(Any, follow(make_context(), import_id))) as seen:
        assert await anext(seen) == {"status": "UPLOADED", "read": 0, "failed": 0, "created": 0}
        # When it goes on line by line
        await start(connection, import_id)
        job = ImportJob(deployment, 1)
        assert await anext(seen) == {"status": "RUNNING", "read": 0, "failed": 0, "created": 0}
        await job.carry_on(connection)
        await job.carry_on(connection)
        # Then each change is told, and its end, with which the stream ends
        while (change := await anext(seen))["read"] == 0:
            pass
        assert change == {"status": "RUNNING", "read": 1, "failed": 0, "created": 1}
        await carry_out(connection, deployment)
        assert [change async for change in seen][-1] == {"status": "FINISHED", "read": 3, "failed": 1, "created": 2}


async def test_what_is_no_import_cannot_be_followed(make_context: MakeContext) -> None:
    for wrong in (uuid4(), UUID(int=0)):
        stream = await schema.subscribe(FOLLOW, context_value=make_context(), variable_values={"id": global_id(wrong)})
        results = [result async for result in cast(Any, stream)]
        assert "no such import" in str(results[0].errors)
