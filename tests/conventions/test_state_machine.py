"""Every statement that changes a message's or copy's status says which changes it makes, and all of them are legal.

A statement declares `-- status: QUEUED, DEFERRED -> HANDED_OFF` in its comment, `new` where it makes the row. The
outbox row distinguishes QUEUED, HANDED_OFF and DEFERRED (`message_state`): a change of its `handed_off_at` or `attempt`
is one of status, too.
"""

from __future__ import annotations

import re
from itertools import product
from typing import Any

from gateway.mail.message import FIRST_STATUSES, TRANSITIONS
from gateway.mail.verdict import Cause
from tests.builders import NOON, insert, make_customer, make_message, troubles_amiss
from tests.conventions.sources import ROOT

Change = tuple[str, str]

WAITING = {"QUEUED", "HANDED_OFF", "DEFERRED"}
"""What a row that says QUEUED may be shown as."""

_NAME = re.compile(r"^-- name: (\w+).*$", re.MULTILINE)
_INSERT = re.compile(r"\binsert into (?:message|copy)\s*\(([^)]*)\)")
_UPDATE = re.compile(r"\bupdate (?:message|copy)\b(?: \w+)?\s+set\b(.*?)(?=\bfrom\b|\bwhere\b)", re.DOTALL)
_OUTBOX = re.compile(r"\bupdate outbox\b(?: \w+)?\s+set\b(.*?)(?=\bfrom\b|\bwhere\b)", re.DOTALL)


def statements() -> dict[str, str]:
    """The text of every statement of the gateway, its comments with it, by its name."""
    found: dict[str, str] = {}
    for path in (ROOT / "gateway/queries").glob("*.sql"):
        _, *parts = _NAME.split(path.read_text())
        found |= dict(zip(parts[::2], parts[1::2], strict=True))
    return found


def writes_status(text: str) -> bool:
    """Whether the statement writes a status, or what a status is derived from."""
    sql = re.sub(r"--.*", "", text)
    return (
        any(re.search(r"\bstatus\b", columns) for columns in _INSERT.findall(sql))
        or any(re.search(r"\bstatus\s*=", assigned) for assigned in _UPDATE.findall(sql))
        or any(re.search(r"\b(?:handed_off_at|attempt)\s*=", assigned) for assigned in _OUTBOX.findall(sql))
    )


def changes(lines: list[str]) -> set[Change]:
    """What `A, B -> C, D` lines mean, pair by pair."""
    found: set[Change] = set()
    for line in lines:
        before, after = re.split("->|→", line)
        found |= set(product(re.findall(r"\w+", before), re.findall(r"\w+", after)))
    return found


def declared() -> dict[str, set[Change]]:
    """The changes that each statement declares."""
    lines = {name: re.findall(r"^-- status: (.+)$", text, re.MULTILINE) for name, text in statements().items()}
    return {name: changes(found) for name, found in lines.items() if found}


def legal() -> set[Change]:
    """Every change of the table."""
    made = {("new", str(status)) for status in FIRST_STATUSES}
    return made | {(str(before), str(after)) for before, following in TRANSITIONS.items() for after in following}


def test_every_statement_that_writes_a_status_declares_its_changes_and_no_other_does() -> None:
    writing = {name for name, text in statements().items() if writes_status(text)}
    assert len(writing) > 10
    assert writing == set(declared())


def test_what_statements_declare_is_the_table_of_transitions() -> None:
    made = set().union(*declared().values())
    assert legal() == made


def test_declarations_agree_with_the_statuses_that_the_sql_names() -> None:
    """A guard `m.status = '...'` is where a change begins, a literal that is assigned is where it ends."""
    checked = 0
    for name, found in declared().items():
        sql = re.sub(r"--.*", "", statements()[name])
        guards = set(re.findall(r"\b[mc]\.status = '(\w+)'", sql))
        assigned = [one for part in _UPDATE.findall(sql) for one in re.findall(r"\bstatus\s*=\s*([^,]*)", part)]
        literals = {status for one in assigned for status in re.findall(r"(?:then|else|^)\s*'(\w+)'", one)}
        assert not guards or guards == {"QUEUED" if before in WAITING else before for before, _ in found}, name
        assert literals <= {after for _, after in found}, name
        checked += bool(guards)
    assert checked > 4


def test_the_document_names_who_writes_each_change() -> None:
    text = (ROOT / "docs/state-machine.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ([^|]+→[^|]+) \|", text, re.MULTILINE)
    documented = {name: changes(written.split("<br>")) for names, written in rows for name in re.findall(r"\w+", names)}
    assert documented == declared()


def stored(status: str) -> str:
    """What `message` and `copy` hold of a status: the outbox row tells those of waiting mail apart."""
    return "QUEUED" if status in WAITING else status


WRITTEN = sorted(
    {
        (name, stored(before), stored(after))
        for name, found in declared().items()
        for before, after in found
        if (_INSERT.search(statements()[name]) or _UPDATE.search(statements()[name])) and after != "RECEIVED"
    }
)
"""Every change that a statement makes of a message or a copy that we send: received mail is in no trouble."""


async def test_what_waits_for_a_person_equals_a_recount_after_every_change(connection: Any) -> None:
    """Triggers write the table of troubles, for whatever statement changes a status and its cause."""
    assert len({statement for statement, _, _ in WRITTEN}) > 8
    customer = await make_customer(connection)
    for cause in (None, Cause.SUPPRESSED, Cause.OPTED_OUT):
        for change in WRITTEN:
            await _change(connection, customer, *change, cause)
            assert await troubles_amiss(connection) == [], change
    # And another address in a mail's place is known at once
    await connection.execute("update message set recipient = 'other@customer.example'")
    assert await troubles_amiss(connection) == []
    assert await connection.fetchval("select count(held_for) from message_trouble") > 0


async def _change(connection: Any, customer: int, statement: str, before: str, after: str, cause: Cause | None) -> None:
    """Makes a message and a copy of it as they are before, and changes both."""
    first = after if before == "new" else before
    message = await make_message(connection, customer, status=first, cause=cause, recipient="To@Customer.example")
    decided_at = None if first == "QUEUED" else NOON
    await insert(
        connection, "copy", customer_id=customer, message_id=message, recipient_no=1, role="CC", status=first,
        cause=cause, decided_at=decided_at, address="Cc@x.example",
    )  # fmt: skip
    assert await troubles_amiss(connection) == [], (statement, before)
    for table, id_of, also in (("message", "id", ", bounced_at = now()"), ("copy", "message_id", "")):
        await connection.execute(
            f"update {table} set status = $2::text::email_status, cause = $3, sent_at = now(){also},"  # noqa: S608 - constants
            f" decided_at = case when $2::text <> 'QUEUED' then now() end where {id_of} = $1",
            message,
            after,
            cause,
        )
