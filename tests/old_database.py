"""A database as a version before the first release left it, as far as it matters."""

from __future__ import annotations

import asyncpg

from service.standalone.postgres import Postgres

OLD_VERSIONS = ("20261123000000", "20261123000001", "20261125000150")


async def make_old_database(server: Postgres, name: str) -> str:
    """Creates it on a running server; returns its URL."""
    connection = await asyncpg.connect(server.url("postgres"))
    await connection.execute(f"create database {name}")
    await connection.close()
    connection = await asyncpg.connect(server.url(name))
    await connection.execute("create table schema_migrations (version varchar primary key)")
    await connection.execute("create table customer (id bigint)")
    await connection.execute("insert into schema_migrations select unnest($1::text[])", OLD_VERSIONS)
    await connection.close()
    return server.url(name)
