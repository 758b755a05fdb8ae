"""Migrations expand first and contract a release later: what still runs goes on with the newest schema, and no table is
locked for longer the larger it is. Migrations up to `LAST_OF_BEFORE` are older than this rule.

A file that must do otherwise says so in a line of its own:

    -- contracts: message.sender, which no code has used since 1.4.0
    -- brief: a lane is a row, of which there are hundreds
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from service.migrations import Migration, read_migrations

LAST_OF_BEFORE = "20261205030000"

CONTRACTS = (
    r"drop (table|view|materialized|function|procedure|aggregate|type|domain|schema|sequence|trigger|extension)\b",
    r"truncate\b",
    r"alter .* rename\b",
    r"create unique index\b",
    r"alter table \w+ drop (?!constraint\b)",
    r"alter table \w+ alter (column )?\w+ (set not null|drop default|(set data )?type)\b",
    r"alter table \w+ add (constraint|check|unique|primary|foreign|exclude)\b",
    r"alter table \w+ add (?!.*\b(default|generated)\b).*\bnot null\b",
)
"""By these the code of before may fail: what it uses is gone, or what it writes is refused."""
LOCKS_LONG = (
    r"create (unique )?index (?!concurrently\b)",
    r"(update|delete from) ",
    r"alter table \w+ add (?!.*(not valid|using index)).*\b(check|unique|(primary|foreign) key|references|exclude)\b",
    r"alter table \w+ add .*\b(default .*(uuid|random|clock_timestamp|nextval)|generated (always|by default) as\b)",
    r"alter table \w+ alter (column )?\w+ (set data )?type\b",
)
"""By these a table, or all its rows, are locked while they are read or written."""
_TABLE = r"(?:alter table|update|delete from|truncate(?: table)?|create (?:unique )?index \w+ on) (?:only )?(\w+)"
_ADDED_COLUMN = r"add (?:column )?(?!(?:constraint|check|unique|primary|foreign|exclude)\b)(\w+)"
_ALONE = r"(create (unique )?index concurrently if not exists|drop index concurrently if exists) "


def statements(sql: str) -> list[str]:
    """The statements, in small letters and single spaces, without comments and the bodies of functions."""
    bare = re.sub(r"\$(\w*)\$.*?\$\1\$", "", re.sub(r"--.*", "", sql), flags=re.DOTALL)
    return [text for part in bare.split(";") if (text := " ".join(part.split()).lower())]


def actions(sql: str) -> Iterator[str]:
    """Yields what is done to things of before: statements, and each action of an `alter table` by itself; no constraint
    of a column that is new itself."""
    every = statements(sql)
    made = {name for text in every for name in re.findall(r"^create table (\w+)", text)}
    for text in every:
        table = re.match(_TABLE, text)
        if table is not None and table[1] in made:
            continue
        if table is None or not text.startswith("alter table"):
            yield text
            continue
        parts = re.split(r", (?=(?:add|drop|alter|rename|validate|set) )", text[table.end() + 1 :])
        new = {name for part in parts for name in re.findall(f"^{_ADDED_COLUMN}", part)}
        for part in parts:
            if not (re.match("add (constraint|check)", part) and new & set(re.findall(r"\w+", part))):
                yield f"alter table {table[1]} {part}"


def faults(migration: Migration) -> list[str]:
    """What is wrong with a migration, a sentence each."""
    found = []
    for word, patterns in {"contracts": CONTRACTS, "brief": LOCKS_LONG}.items():
        said = re.search(rf"^-- {word}: \w\S*( \S+){{3,}}$", migration.sql, re.MULTILINE)
        wrong = [text for text in actions(migration.sql) if any(re.match(one, text) for one in patterns)]
        if wrong and not said:
            found.append(f"{migration.name} does not say `-- {word}: …` of: {wrong[0]}")
        if said and not wrong:
            found.append(f"{migration.name} says `-- {word}: …` of nothing")
    every = statements(migration.sql)
    if migration.in_transaction and any(" concurrently " in text for text in every):
        found.append(f"{migration.name}: concurrently is outside a transaction: `-- migrate:up transaction:false`")
    if not migration.in_transaction and (len(every) != 1 or not re.match(_ALONE, every[0])):
        found.append(f"{migration.name}: outside a transaction is one `… index concurrently if [not] exists`, no more")
    return found


def test_what_is_newer_expands_or_says_why_it_need_not() -> None:
    newer = [one for one in read_migrations() if one.version > LAST_OF_BEFORE]
    assert [fault for one in newer for fault in faults(one)] == []


def migration(sql: str, *, in_transaction: bool = True) -> Migration:
    return Migration(version="3", name="3_x.sql", sql=sql, in_transaction=in_transaction)


@pytest.mark.parametrize(
    "sql",
    [
        "alter table message add column colour text, add column shade text not null default 'grey';",
        "alter table message add column colour text, add constraint c check (colour <> '') not valid;",
        "alter table message alter column sender drop not null, drop constraint message_check4;",
        "alter table message validate constraint c;",
        "create table colour (id bigint not null, name text);\ncreate unique index colour_name on colour (name);",
        "alter type event_kind add value 'SEEN';",
        "create function f() returns trigger language plpgsql as $$ begin update message set id = 1; end $$;",
        "-- drop table message\ncreate view colours as select 1;",
    ],
)
def test_what_expands_is_taken(sql: str) -> None:
    assert faults(migration(sql)) == []


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("drop table login_link;", "contracts"),
        ("drop function cap_today(integer);", "contracts"),
        ("alter table message drop column sender;", "contracts"),
        ("alter table message add column a text, drop sender;", "contracts"),
        ("alter table message rename column sender to author;", "contracts"),
        ("alter table message rename to mail;", "contracts"),
        ("alter type event_kind rename value 'HELD' to 'KEPT';", "contracts"),
        ("ALTER TABLE message\n    ALTER COLUMN sender SET NOT NULL;", "contracts"),
        ("alter table message alter sender drop default;", "contracts"),
        ("alter table message add column colour text not null;", "contracts"),
        ("alter table message add constraint c check (length(subject) < 100) not valid;", "contracts"),
        ("create unique index concurrently if not exists i on event (id);", "contracts"),
        ("truncate message;", "contracts"),
        ("create index i on event (id);", "brief"),
        ("update message set sender = '';", "brief"),
        ("delete from hit where true;", "brief"),
        ("alter table message add column colour text check (colour <> '');", "brief"),
        ("alter table message add column key uuid default uuidv7();", "brief"),
        ("alter table message add column n bigint generated always as identity;", "brief"),
    ],
)
def test_what_contracts_or_locks_says_so(sql: str, word: str) -> None:
    in_transaction = " concurrently " not in sql
    found = faults(migration(sql, in_transaction=in_transaction))
    assert [fault.partition(" of: ")[0] for fault in found] == [f"3_x.sql does not say `-- {word}: …`"]
    reason = f"-- {word}: nothing has used it since 1.4.0\n"
    assert faults(migration(reason + sql, in_transaction=in_transaction)) == []


def test_a_change_of_type_says_both() -> None:
    of = migration("alter table message alter column subject type varchar(10);")
    assert [fault.split("`")[1] for fault in faults(of)] == ["-- contracts: …", "-- brief: …"]


def test_a_word_without_a_reason_or_without_need_is_none() -> None:
    assert len(faults(migration("-- contracts: yes\ndrop table login_link;"))) == 1
    assert faults(migration("-- brief: there are hundreds of them\nselect 1;")) == [
        "3_x.sql says `-- brief: …` of nothing"
    ]


def test_an_index_is_made_concurrently_in_a_file_of_its_own() -> None:
    sql = "create index concurrently if not exists i on event (id);"
    assert faults(migration(sql, in_transaction=False)) == []
    assert len(faults(migration(sql))) == 1
    assert len(faults(migration(f"{sql}\nselect 1;", in_transaction=False))) == 1
    assert len(faults(migration(sql.replace(" if not exists", ""), in_transaction=False))) == 1
