"""The programs of docs/samples, and that docs/clients.md shows what they say. They need Node and their packages."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

import service.settings
from tests.builders import make_campaign, make_customer, make_message
from tests.conventions.sources import ROOT
from tests.serving import Serving, serve

SAMPLES = ROOT / "docs" / "samples"
PACKAGES = SAMPLES / "node_modules"
NODE = shutil.which("node")
PATIENCE_SECONDS = 60.0

needs_node = pytest.mark.skipif(NODE is None, reason="no Node on the PATH: programs in JavaScript are not run")
needs_packages = pytest.mark.skipif(
    NODE is None or not PACKAGES.is_dir(),
    reason="the packages of docs/samples are missing: npm install --no-package-lock in that folder",
)


@pytest.fixture
async def serving(app: Starlette, service_settings: service.settings.Settings) -> AsyncIterator[Serving]:
    """A service on a socket."""
    async with serve(app, service_settings) as made:
        yield made


async def run(*command: str | Path, directory: Path = SAMPLES, **variables: str) -> str:
    """Standard output of a program, which ends well."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=directory,
        env={"PATH": os.environ["PATH"], "HOME": str(directory), "NO_COLOR": "1", **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, (out + err).decode()
    return out.decode()


@needs_packages
@pytest.mark.parametrize("sample", ["apollo.mjs", "urql.mjs"])
async def test_a_client_joins_pages_and_follows_changes(serving: Serving, token: str, pool: Any, sample: str) -> None:
    customer = await make_customer(pool, external_ref="NL-1004")
    for subject in ("First", "Second", "Third"):
        campaign = await make_campaign(pool)
        await make_message(pool, customer, campaign_id=campaign, status="ACCEPTED", subject=subject)
    said = json.loads(await run("node", sample, "NL-1004", URL=f"{serving.url}/graphql", TOKEN=token))
    assert said == {"subjects": ["Third", "Second", "First"], "change": "RESYNC"}


@needs_packages
async def test_graphql_ws_follows_changes_with_a_token(serving: Serving, token: str, pool: Any) -> None:
    customer = await make_customer(pool)
    address = f"{serving.url}/graphql"
    said = json.loads(await run("node", "subscription.mjs", f"Customer_{customer}", URL=address, TOKEN=token))
    assert said == {"kind": "RESYNC", "messageId": None}


@needs_node
async def test_a_program_without_packages_sends_attachments_and_merge_fields(
    serving: Serving, token: str, pool: Any
) -> None:
    customer = await make_customer(pool, name="Ann Lee")
    said = json.loads(await run("node", "sending.mjs", f"Customer_{customer}", URL=serving.url, TOKEN=token))
    assert said["status"] == "QUEUED"
    assert set(said["fields"]) >= {"hours", "system"}
    assert said["subject"].startswith("One hour for your cinema")


@needs_packages
async def test_types_are_generated_from_the_schema_and_compile(tmp_path: Path) -> None:
    place = tmp_path / "samples"
    shutil.copytree(SAMPLES, place, ignore=shutil.ignore_patterns("node_modules"))
    (place / "node_modules").symlink_to(PACKAGES)
    shutil.copy(ROOT / "schema.graphql", place)
    await run("node_modules/.bin/graphql-codegen", "--config", "codegen.ts", directory=place)
    await run("node_modules/.bin/tsc", "-p", ".", directory=place)
    # and a field that does not exist does not
    history = place / "src" / "history.ts"
    history.write_text(history.read_text().replace("last?.subject", "last?.subjct"))
    with pytest.raises(AssertionError, match="subjct"):
        await run("node_modules/.bin/tsc", "-p", ".", directory=place)


def test_the_page_shows_what_the_samples_say() -> None:
    samples = "\n".join(path.read_text() for path in SAMPLES.rglob("*.*s") if "node_modules" not in path.parts)
    page = (ROOT / "docs" / "clients.md").read_text()
    blocks = re.findall(r"^```ts\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 4
    assert [block for block in blocks if block.strip() not in samples] == []
