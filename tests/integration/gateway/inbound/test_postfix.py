"""Takes mail from a real Postfix, configured as docs/inbound.md says."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from gateway.storage import content
from tests.eventually import eventually
from tests.inbound import BOUNCES, OFFICE, TOKEN, connect
from tests.inbound_process import environment, running
from tests.postfix import LACKING, Postfix

pytestmark = pytest.mark.skipif(LACKING is not None, reason=LACKING or "")

# With what a server must not add for foreign clients, and Postfix does for those of its own host
DATED = b"Message-Id: <1@b.example>\r\nDate: Mon, 30 Nov 2026 12:00:00 +0000\r\n"
MAIL = b"From: a@b.example\r\nSubject: Undelivered\r\n" + DATED + b"\r\n.See below.\r\n"


@pytest.fixture
def directory() -> Iterator[Path]:
    """One that Postfix's own user can enter."""
    made = Path(tempfile.mkdtemp(prefix="ce-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


async def test_mail_to_our_addresses_arrives_and_other_mail_is_refused_at_postfixs_door(
    directory: Path, database_url: str, pool: asyncpg.Pool[Any]
) -> None:
    async with running(environment(database_url)) as gateway:
        postfix = Postfix(directory, lmtp=gateway.lmtp)
        try:
            await postfix.start()
            async with connect(postfix.port) as smtp:
                # A report, as a foreign server sends it
                await smtp.begin(TOKEN)
                assert (await smtp.say(MAIL.replace(b"\r\n.", b"\r\n..") + b".")).startswith("250")
                # A person writes to an address that there is not, then to one that there is
                await smtp.say("MAIL FROM:<ada@customer.example>")
                refused = await smtp.say(f"RCPT TO:<nobody@{BOUNCES}>")
                accepted = await smtp.say(f"RCPT TO:<{OFFICE}>")
                foreign = await smtp.say("RCPT TO:<ada@elsewhere.example>")
                assert (await smtp.say("DATA", b"Subject: Thursday\r\n\r\nSuits me.\r\n.")).startswith("250")
            rows = await eventually(lambda: _stored(pool, 2), "both mails")
        finally:
            postfix.stop()
    assert refused.startswith("550 5.1.1")
    assert accepted.startswith("250")
    assert foreign.startswith("554 5.7.1")
    assert {tuple(row)[:3] for row in rows} == {("LMTP", "", TOKEN), ("LMTP", "ada@customer.example", OFFICE)}
    report = next(row for row in rows if row["envelope_to"] == TOKEN)
    kept = await content.load(pool, report["content_sha256"])
    assert kept.endswith(MAIL)
    assert b"by mx.fabrikam.example (Postfix)" in kept.removesuffix(MAIL)


async def _stored(pool: asyncpg.Pool[Any], count: int) -> list[Any] | None:
    rows = await pool.fetch("select source, envelope_from, envelope_to, content_sha256 from inbound_mail")
    return list(rows) if len(rows) >= count else None
