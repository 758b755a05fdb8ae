"""What the ledger promises on paper it keeps in PostgreSQL: the dump, the enums, the statements."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from typing import Any, TypeGuard

import asyncpg
import pytest

from gateway.database import QUERIES as GATEWAY_QUERIES
from service.database import QUERIES as SERVICE_QUERIES
from service.standalone.schema import GRAPH, LEDGER, dump_ledger, export_graph
from tests.conventions.sources import ROOT, sources

OTHER_NAMES = {"email_status": "Status", "verdict": "Outcome", "smtp_stage": "Stage", "cause": "Cause"}
"""Enums whose Python name is not simply their SQL name in capitals."""

LONGEST_MIGRATION = 200

SELDOM_UPDATED = {"content_sha256"}
"""What an index of messages may hold though a statement updates it: a person's new address for a mail, and no other."""

_UPDATED = re.compile(r"\bupdate message\b(?: \w+)?\s+set\b(.*?)(?=\bfrom\b|\bwhere\b)", re.DOTALL)


def test_schema_sql_equals_the_migrations(postgres: Any) -> None:
    assert dump_ledger(postgres.url("template_mail")) == LEDGER.read_text(), "run `make schema` and commit"


def test_migrations_only_go_forward() -> None:
    """One topic a file, no way back, and the snapshot was made by exactly these."""
    versions = []
    for path in sorted((ROOT / "migrations").glob("2*.sql")):
        name, text = re.fullmatch(r"(\d{14})_[a-z0-9_]+\.sql", path.name), path.read_text()
        assert name, f"{path.name}: a version of 14 digits, then what it is about"
        assert len(text.splitlines()) < LONGEST_MIGRATION, f"{path.name} is more than one topic"
        _, _, down = text.partition("\n-- migrate:down\n")
        assert down.startswith("--"), f"{path.name} says that migrations only go forward"
        assert all(line.startswith("--") for line in down.splitlines()), f"{path.name} can be undone"
        versions.append(name[1])
    assert re.findall(r"^    \('(\d+)'\)[,;]$", LEDGER.read_text(), re.MULTILINE) == versions


def test_schema_graphql_equals_the_code() -> None:
    assert export_graph() == GRAPH.read_text(), "run `make schema` and commit"


def code_enums() -> dict[str, list[tuple[str, set[str]]]]:
    """Every StrEnum of the code by its name: where it is, and its values."""
    found: dict[str, list[tuple[str, set[str]]]] = defaultdict(list)
    for source in sources("gateway", "service"):
        for node in ast.walk(source.tree):
            if _is_enum(node):
                values = {
                    item.value.value
                    for item in node.body
                    if isinstance(item, ast.Assign)
                    and isinstance(item.value, ast.Constant)
                    and isinstance(item.value.value, str)
                }
                found[node.name].append((source.path, values))
    return found


def _is_enum(node: ast.AST) -> TypeGuard[ast.ClassDef]:
    return isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("StrEnum") for base in node.bases)


async def sql_enums(pool: asyncpg.Pool[Any]) -> dict[str, set[str]]:
    """PostgreSQL's enums by the names that they have in the code."""
    rows = await pool.fetch(
        "select t.typname, array_agg(e.enumlabel::text) as labels from pg_enum e"
        " join pg_type t on t.oid = e.enumtypid group by t.typname"
    )
    return {
        OTHER_NAMES.get(row["typname"]) or "".join(part.title() for part in row["typname"].split("_")): set(
            row["labels"]
        )
        for row in rows
    }


async def test_enums_of_sql_equal_the_codes(pool: asyncpg.Pool[Any]) -> None:
    code, compared = code_enums(), 0
    for name, labels in (await sql_enums(pool)).items():
        for path, values in code.get(name, []):
            assert values == labels, f"{name} in {path} and in SQL differ"
            compared += 1
    assert compared >= 10


async def test_the_gateway_declares_every_enum_of_sql_once(pool: asyncpg.Pool[Any]) -> None:
    code = code_enums()
    declared = {name: [path.split("/")[0] for path, _ in code[name]] for name in await sql_enums(pool)}
    assert declared == {name: ["gateway"] for name in declared}


async def test_the_gateway_names_values_of_enums_by_their_enum(pool: asyncpg.Pool[Any]) -> None:
    labels = set().union(*(await sql_enums(pool)).values())
    bare = []
    for source in sources("gateway"):
        enums = {id(inner) for node in ast.walk(source.tree) if _is_enum(node) for inner in ast.walk(node)}
        bare += [
            f"{source.path} {node.value}"
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Constant) and node.value in labels and id(node) not in enums
        ]
    # The status of an appointment is iCalendar's own word (RFC 5545 3.8.1.11).
    assert bare == ["gateway/compose/calendar.py CANCELLED"]


@pytest.mark.parametrize("package", ["gateway", "service"])
async def test_every_named_statement_prepares(pool: asyncpg.Pool[Any], package: str) -> None:
    queries = GATEWAY_QUERIES if package == "gateway" else SERVICE_QUERIES
    faults, prepared = [], 0
    async with pool.acquire() as connection:
        for name in queries.available_queries:
            if name.endswith("_cursor"):
                continue
            try:
                await connection.prepare(getattr(queries, name).sql)
                prepared += 1
            except asyncpg.PostgresError as error:
                faults.append(f"{name}: {error}")
    assert faults == []
    assert prepared > 5


def test_no_two_statements_of_a_package_have_one_name() -> None:
    """Which of them was meant would depend on the order of a folder's files."""
    for package in ("gateway", "service"):
        texts = [path.read_text() for path in (ROOT / package / "queries").glob("*.sql")]
        names = Counter(name for text in texts for name in re.findall(r"^-- name: (\w+)", text, re.MULTILINE))
        assert [name for name, times in names.items() if times > 1] == []


def test_every_statement_has_a_sentence() -> None:
    silent = []
    for path in [*(ROOT / "gateway/queries").glob("*.sql"), *(ROOT / "service/queries").glob("*.sql")]:
        for name, following in re.findall(r"^-- name: (\S+)\n(.*)$", path.read_text(), re.MULTILINE):
            if not following.startswith("-- "):
                silent.append(f"{path.name}: {name}")
    assert silent == []


def test_no_index_of_messages_holds_a_column_that_a_statement_updates() -> None:
    """Then the new version of a row stays within its page, and no index is written (HOT)."""
    texts = [path.read_text() for path in (ROOT / "gateway/queries").glob("*.sql")]
    assigned = [part for text in texts for part in _UPDATED.findall(re.sub(r"--.*", "", text))]
    updated = {column for part in assigned for column in re.findall(r"(?:^|,)\s*(\w+) =", part)}
    assert updated >= {"status", "decided_at", "opened_at", "cause", "sent_at", "mail_sha256"}
    indexes = re.findall(
        r"^CREATE (?:UNIQUE )?INDEX \w+ ON public\.message USING .*$", LEDGER.read_text(), re.MULTILINE
    )
    assert len(indexes) >= 3
    often = updated - SELDOM_UPDATED
    assert [one for one in indexes if set(re.findall(r"\w+", one.partition(" USING ")[2])) & often] == []


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (GATEWAY_QUERIES.held_for_address, "message_trouble_held_for"),
        (GATEWAY_QUERIES.waiting_for_address, "message_trouble_pkey"),
        (GATEWAY_QUERIES.write_down_decision, "message_trouble_of_mailing"),
        (SERVICE_QUERIES.customers_needing_attention, "message_trouble_needs_attention"),
        (SERVICE_QUERIES.held_counts, "message_trouble_held_for"),
    ],
)
async def test_what_waits_for_a_person_is_found_by_an_index_of_troubles(
    statement: Any, index: str, pool: asyncpg.Pool[Any]
) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off; set local plan_cache_mode = force_generic_plan")
        parameters = ", ".join(["null"] * len((await connection.prepare(statement.sql)).get_parameters()))
        await connection.execute(f"prepare asked as {statement.sql}")
        plan = await connection.fetch(f"explain execute asked({parameters})")
    assert index in str(plan)
