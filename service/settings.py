"""The service's settings: the only reader of the environment in this package.

Every setting is an environment variable of the same name in capitals. A missing or malformed one is named at start,
with an example. What the gateway's functions need inside the service is read by `gateway.settings.read_settings`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

import gateway.settings
from gateway.cluster import split_hosts
from gateway.errors import SettingsError
from gateway.settings import DatabaseUrl, RedisUrl, examples, explain

EXAMPLES: Mapping[str, str] = {
    **gateway.settings.EXAMPLES,
    "DATABASE_READ_URL": "postgresql://mail@replica1.internal,replica2.internal/mail",
    "BOUND_RELAY": "main",
    "FRAME_ANCESTORS": "https://crm.example.com",
    "PERSISTED_OPERATIONS": "/etc/customer-emails/operations.json",
}
_ORIGIN = re.compile(r"https?://[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?")


def _origins(value: Any) -> Any:
    """A comma-separated list of origins (`https://crm.example.com`), as browsers write them."""
    if not isinstance(value, str):
        return value
    found = tuple(item.strip().rstrip("/") for item in value.split(",") if item.strip())
    for origin in found:
        # They become part of a header, so nothing but a host and a port may follow the scheme.
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(f"an origin is scheme://host or scheme://host:port, not {origin}")
    return found


def _networks(value: Any) -> Any:
    """A comma-separated list of addresses and networks (`10.0.0.0/8`)."""
    if not isinstance(value, str):
        return value
    return tuple(str(ip_network(item.strip())) for item in value.split(",") if item.strip())


def _replicas(value: Any) -> Any:
    """The addresses of replicas: each host of a comma-separated list of addresses, which may name several."""
    if not isinstance(value, str):
        return value
    return tuple(
        address
        for url in re.split(r",(?=postgres(?:ql)?://)", value.strip())
        for address in split_hosts(url.strip(), only_writable=False)
    )


class DatabaseSettings(BaseSettings):
    """The settings of the commands on tokens."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)

    database_url: DatabaseUrl


class MigrationSettings(DatabaseSettings):
    """The settings of `migrate`, in seconds."""

    # One wait for a lock. All who use the table wait behind it: less than POOL_WAIT_SECONDS, so that none is refused.
    migrate_lock_seconds: float = Field(default=2.0, ge=0.01, le=60)
    # For how long a migration is tried again that had to give way.
    migrate_patience_seconds: float = Field(default=60.0, ge=0, le=86_400)


class Settings(MigrationSettings):
    """The settings of `python -m service` beyond the gateway's. Times in seconds, sizes in bytes."""

    # Queries may go to replicas; mutations never do.
    database_read_url: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_replicas)] = ()
    # A replica that is further behind is not read until it has caught up.
    replica_lag_seconds: float = Field(default=10.0, ge=0.1, le=3600)
    redis_url: RedisUrl = "redis://127.0.0.1:6379/0"
    public_url: str = Field(pattern=r"^https?://[^/?#]+$")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    # Mail queued by this service is sent by the relay of this name only, so that demo mail never leaves the machine.
    bound_relay: str | None = None
    # Balancers and proxies whose X-Forwarded-For is trusted. Behind one that is missing here every reader has its
    # address, and an address that opens many messages at once is classified as a machine.
    trusted_proxies: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_networks)] = ("127.0.0.0/8", "::1/128")
    # Origins that may show the page in a frame; none by default.
    frame_ancestors: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)] = ()
    drain_seconds: float = Field(default=30.0, ge=1, le=600)
    # After SIGTERM: how long to keep serving with /readyz at 503, so that balancers stop sending requests first.
    drain_notice_seconds: float = Field(default=1.0, ge=0, le=60)

    graphiql: bool = False
    introspection: bool = True
    # A JSON file {"sha256 of the document": "document"}: when set, no other document is run.
    persisted_operations: Path | None = None

    pool_size: int = Field(default=10, ge=1, le=1000)
    # How long a request waits for a free connection before it gets 503.
    pool_wait_seconds: float = Field(default=5.0, gt=0, le=60)
    # The time limit of one statement.
    statement_seconds: float = Field(default=15.0, gt=0, le=600)
    # How long a client may take to send its request.
    read_seconds: float = Field(default=20.0, gt=0, le=600)
    max_connections: int = Field(default=2000, ge=10, le=100_000)
    max_depth: int = Field(default=15, ge=3, le=100)
    max_aliases: int = Field(default=50, ge=1, le=10_000)
    max_tokens: int = Field(default=5_000, ge=50, le=100_000)
    max_document_bytes: int = Field(default=65_536, ge=512, le=1_048_576)
    max_variables_bytes: int = Field(default=1_048_576, ge=512, le=1_048_576)
    # Rows a query may ask for, counted from `first` before anything runs.
    max_cost: int = Field(default=20_000, ge=100, le=10_000_000)

    @property
    def secure(self) -> bool:
        """Whether browsers connect over https: cookies are then `__Host-` and Secure."""
        return self.public_url.startswith("https://")


def read_settings(**overrides: Any) -> Settings:
    """Returns the settings from the environment. Raises SettingsError with one line a fault, each with an example."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise SettingsError(explain(error, examples(Settings, EXAMPLES))) from None


def read_migration_settings(**overrides: Any) -> MigrationSettings:
    """Returns the settings of `migrate`, read alone. Raises SettingsError."""
    try:
        return MigrationSettings(**overrides)
    except ValidationError as error:
        raise SettingsError(explain(error, examples(MigrationSettings, EXAMPLES))) from None


def read_database_url(**overrides: Any) -> str:
    """Returns DATABASE_URL, read alone. Raises SettingsError."""
    try:
        return DatabaseSettings(**overrides).database_url
    except ValidationError as error:
        raise SettingsError(explain(error, EXAMPLES)) from None
