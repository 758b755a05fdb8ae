"""The ledger's migrations at the launcher's start, and in tests."""

from __future__ import annotations

import asyncio
from pathlib import Path

from service.standalone.errors import LaunchError

ROOT = Path(__file__).resolve().parents[2]


def migrate(url: str) -> None:
    """Create the database if there is none and apply every migration it lacks. Raises LaunchError."""
    # Imported here: not before PostgreSQL and Valkey start.
    import service.migrations
    from gateway.errors import SettingsError
    from service.settings import read_migration_settings

    try:
        settings = read_migration_settings(database_url=url)
        patience = service.migrations.Patience(
            lock=settings.migrate_lock_seconds, total=settings.migrate_patience_seconds
        )
        asyncio.run(service.migrations.migrate(url, patience, say=lambda line: None))
    except (SettingsError, service.migrations.MigrationError) as error:
        raise LaunchError(f"The migrations could not be applied: {error}") from None


def refuse_old_database(url: str, *, data: Path | None = None) -> None:
    """Raises LaunchError when a version before the first release made the database, the one in `data` where given."""
    # Imported here: not before PostgreSQL and Valkey start.
    from gateway.database import PREDATES_BASELINE, database_predates_baseline

    if not asyncio.run(database_predates_baseline(url)):
        return
    if data is None:
        raise LaunchError(PREDATES_BASELINE)
    raise LaunchError(
        f"{data} was made by a version before the first release and cannot be migrated: remove it, or choose another "
        "directory with DATA=/some/dir."
    )
