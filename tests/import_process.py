"""A process that carries imports on, to be killed: `python -m tests.import_process`, settings in the environment."""

from __future__ import annotations

import asyncio

from gateway.campaigns.import_job import ImportJob
from gateway.database import WORKER_SETTINGS, open_pool
from gateway.deployment import Deployment
from gateway.settings import read_settings

BATCH = 20


async def main() -> None:
    """Carries every import on in small batches, as a worker's job does."""
    settings = read_settings()
    job = ImportJob(Deployment.open(settings), BATCH)
    pool = await open_pool(settings.database_url, size=1, name="import", settings=WORKER_SETTINGS)
    async with pool.acquire() as connection:
        while await job.carry_on(connection):
            pass


if __name__ == "__main__":
    asyncio.run(main())
