"""The service's way to PostgreSQL: the named statements of `queries/*.sql`."""

from __future__ import annotations

from pathlib import Path

import aiosql
from aiosql.queries import Queries

QUERIES: Queries = aiosql.from_path(Path(__file__).parent / "queries", "asyncpg")
"""Every statement of `service/queries`, as `await QUERIES.name(connection, parameter=...)`."""
