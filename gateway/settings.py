"""The gateway's settings: the only reader of the environment in this package.

Every setting is an environment variable of the same name in capitals. A missing or malformed one is named at
start, with an example (`SettingsError`).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated, Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gateway.cluster import split_hosts
from gateway.errors import Refusal, Refusals, SettingsError
from gateway.mail.address import parse_own_address, split_mailbox
from gateway.mail.field_checks import check_time_zone
from gateway.mail.letter import Mailbox
from gateway.mail.source import SourceType
from gateway.mail.tracking import LONGEST_PUBLIC_URL
from gateway.valkey import REDIS_URL, check_redis_url

EXAMPLES: Mapping[str, str] = {
    "DATABASE_URL": "postgresql://mail@db.internal/mail",
    "REDIS_URL": "redis://valkey.internal:6379/0",
    "PUBLIC_URL": "https://mail.example.com",
    "DEFAULT_FROM": "Fabrikam Installers <hello@fabrikam.com>",
    "RELAY_URL": "smtp+starttls://user:password@relay.internal:587?name=main&connections=20",
    "SECRET_KEYS": "k1:" + base64.b64encode(b"0" * 32).decode() + "   (id:base64 of 32 random bytes or more)",
    "RETRY_ONCE": "CAMPAIGN,WORK_ORDER",
    "METRICS_PORT": "9400",
    "RECORDER_DIR": "/run/customer-emails",
    "JOURNAL_DIR": "/var/lib/customer-emails/journal",
    "DKIM_KEYS": "fabrikam.com:mail2026:/etc/keys/fabrikam.pem",
    "BOUNCE_DOMAIN": "bounce.fabrikam.com",
    "REPLY_DOMAIN": "reply.fabrikam.com",
    "REPLY_MAILBOXES": "office,service",
    "AUTHSERV_ID": "mx.fabrikam.com",
    "INBOUND_SMTP": "2525",
    "INBOUND_LMTP": "2424",
    "INBOUND_TLS_CERTIFICATE": "/etc/keys/mx.fabrikam.com.pem",
    "INBOUND_TLS_KEY": "/etc/keys/mx.fabrikam.com.key",
    "DNS_SERVERS": "10.0.0.53,[::1]:5353",
    "IMAP_URL": "imaps://user:password@imap.fabrikam.com/INBOX",
}


LONGEST_DEADLINE = timedelta(days=366)
"""No server defers mail for longer; and every date with it added is one."""


class TlsMode(StrEnum):
    """How a relay's connection is secured."""

    OFF = "OFF"
    OPPORTUNISTIC = "OPPORTUNISTIC"
    STARTTLS = "STARTTLS"
    IMPLICIT = "IMPLICIT"


@dataclass(frozen=True, kw_only=True, slots=True)
class Relay:
    """One mail server that mail is handed to. Rates are per relay; None means no limit of ours."""

    name: str
    host: str
    port: int
    tls: TlsMode
    verify: bool = True
    username: str | None = None
    password: str | None = None
    connections: int = 20
    per_connection: int = 1000
    idle_seconds: float = 20.0
    per_minute: int | None = None
    per_day: int | None = None
    warm_up_start: int | None = None
    warm_up_factor: float = 2.0

    def __repr__(self) -> str:
        """Without the password: settings end up in logs."""
        return f"Relay({self.name} {self.host}:{self.port} {self.tls})"


@dataclass(frozen=True, kw_only=True, slots=True)
class SecretKey:
    """One master key; HKDF derives a key for each purpose from it."""

    id: str
    secret: bytes = b""

    def __repr__(self) -> str:
        """The id only."""
        return f"SecretKey({self.id})"


@dataclass(frozen=True, kw_only=True, slots=True)
class DkimKey:
    """The file of the private key (PEM) of one domain and selector."""

    domain: str
    selector: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DnsServer:
    """The address of a DNS resolver."""

    address: IPv4Address | IPv6Address
    port: int = 53


@dataclass(frozen=True, kw_only=True, slots=True)
class ImapMailbox:
    """A mailbox that is read for bounces and replies, over TLS but on loopback."""

    host: str
    port: int
    tls: bool
    username: str
    password: str
    folder: str

    def __repr__(self) -> str:
        """Without the password: settings end up in logs."""
        return f"ImapMailbox({self.host}:{self.port} {self.folder})"


_SCHEMES = {
    "smtp": (TlsMode.OPPORTUNISTIC, 25),
    "smtp+starttls": (TlsMode.STARTTLS, 587),
    "smtps": (TlsMode.IMPLICIT, 465),
}
_INTEGERS = {"connections", "per_connection", "per_minute", "per_day", "warm_up_start"}


def parse_relay(url: str) -> Relay:
    """Reads a relay's URL (`smtp://`, `smtp+starttls://`, `smtps://`), options in its query. Raises ValueError."""
    parts = urlsplit(url.strip())
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise ValueError(f"a relay starts with smtp://, smtp+starttls:// or smtps:// and names a host: {parts.scheme}")
    tls, port = _SCHEMES[parts.scheme]
    options: dict[str, Any] = {}
    for key, value in parse_qsl(parts.query, strict_parsing=bool(parts.query)):
        options[key] = _option(key, value)
    if options.pop("tls", None) == "off":
        tls = TlsMode.OFF
    relay = Relay(
        name=options.pop("name", parts.hostname),
        host=parts.hostname,
        port=parts.port or port,
        tls=tls,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        **options,
    )
    if relay.username and tls in (TlsMode.OFF, TlsMode.OPPORTUNISTIC) and not _is_loopback(relay.host):
        raise ValueError("credentials would travel in clear: use smtp+starttls:// or smtps://")
    return relay


def _option(key: str, value: str) -> Any:
    if key in _INTEGERS:
        if not value.isdigit() or not 1 <= int(value) <= 100_000_000:
            raise ValueError(f"relay option {key} is a whole number from 1: {value!r}")
        return int(value)
    if key in ("idle_seconds", "warm_up_factor"):
        return float(value)
    if key == "verify":
        return value not in ("0", "no", "false")
    if key in ("name", "tls"):
        return value
    raise ValueError(f"unknown relay option {key!r}")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def parse_secret_key(text: str) -> SecretKey:
    """Reads `id:base64`; at least 16 bytes of secret. Raises ValueError."""
    key_id, _, encoded = text.strip().partition(":")
    try:
        secret = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError("a secret key is id:base64") from error
    if not key_id.isalnum() or len(key_id) > 4 or not key_id.islower() or len(secret) < 16:
        raise ValueError("a secret key is id:base64: an id of 1 to 4 small letters and digits, 16 bytes or more")
    return SecretKey(id=key_id, secret=secret)


def parse_dkim_key(text: str) -> DkimKey:
    """Reads `domain:selector:path`. Raises ValueError."""
    domain, _, rest = text.strip().partition(":")
    selector, _, path = rest.partition(":")
    if not (domain and selector and path):
        raise ValueError("a DKIM key is domain:selector:path")
    return DkimKey(domain=domain, selector=selector, path=path)


def parse_dns_server(text: str) -> DnsServer:
    """Reads `10.0.0.53`, `10.0.0.53:5353`, `::1` or `[::1]:5353`. Raises ValueError."""
    match = _SOCKET.fullmatch(text.strip())
    address = (match["six"] or match["four"]) if match else text.strip()
    port = int((match and (match["six_port"] or match["port"])) or 53)
    if not 1 <= port <= 65535:
        raise ValueError("a port is 1 to 65535")
    return DnsServer(address=ip_address(address), port=port)


def parse_imap_url(url: str) -> ImapMailbox:
    """Reads `imaps://user:password@host:port/FOLDER`; `imap://` only on loopback. Raises ValueError."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("imap", "imaps") or not parts.hostname:
        raise ValueError("a mailbox starts with imaps:// and names a host")
    if not parts.username or not parts.password:
        raise ValueError("a mailbox needs a user and a password: imaps://user:password@host/INBOX")
    if parts.scheme == "imap" and not _is_loopback(parts.hostname):
        raise ValueError("the password would travel in clear: use imaps://")
    return ImapMailbox(
        host=parts.hostname,
        port=parts.port or (993 if parts.scheme == "imaps" else 143),
        tls=parts.scheme == "imaps",
        username=unquote(parts.username),
        password=unquote(parts.password),
        folder=unquote(parts.path.strip("/")) or "INBOX",
    )


def parse_domain(text: str) -> str:
    """Reads a domain of ours, in small letters. Raises ValueError."""
    name = text.strip().lower().rstrip(".")
    if len(name) > 200 or not _DOMAIN.fullmatch(name):
        raise ValueError("is no domain")
    return name


def parse_mailbox_name(text: str) -> str:
    """Reads the local part of an address of ours, in small letters; `office@` and `office` are one. Raises
    ValueError."""
    name = text.strip().lower().removesuffix("@")
    if not _LOCAL_PART.fullmatch(name):
        raise ValueError("a mailbox is the part of an address before the @: letters, digits, dots, dashes")
    return name


_SOCKET = re.compile(r"\[(?P<six>[^\]]+)\](?::(?P<six_port>\d{1,5}))?|(?P<four>[^:]+):(?P<port>\d{1,5})")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LOCAL_PART = re.compile(r"[a-z0-9][a-z0-9._+-]{0,63}")


def _each(parse: Any) -> BeforeValidator:
    def split(value: Any) -> Any:
        if isinstance(value, str):
            return tuple(parse(item) for item in value.split(",") if item.strip())
        return value

    return BeforeValidator(split)


class OriginPrivacy(StrEnum):
    """How network addresses of hits are kept: in full, as a keyed hash, or not at all."""

    FULL = "full"
    HASH = "hash"
    NONE = "none"


def _one(parse: Any) -> BeforeValidator:
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


def parse_source_type(text: str) -> SourceType:
    """Reads the name of a source type. Raises ValueError."""
    if text.strip() not in set(SourceType):
        raise ValueError(f"there is no such source type: {text.strip()!r}")
    return SourceType(text.strip())


def _check_deadline(value: timedelta) -> timedelta:
    if not timedelta(0) < value <= LONGEST_DEADLINE:
        raise ValueError(f"is a time above zero, at most {LONGEST_DEADLINE.days} days")
    return value


Deadline = Annotated[timedelta, AfterValidator(_check_deadline)]


RedisUrl = Annotated[str, Field(pattern=REDIS_URL), AfterValidator(check_redis_url)]
"""`redis://`, `rediss://` or `unix://`; or Sentinels, as `gateway.valkey.Sentinels` says."""


def check_database_url(url: str) -> str:
    """Returns an address of PostgreSQL, of one host or several. Raises ValueError."""
    split_hosts(url)
    return url


DatabaseUrl = Annotated[str, Field(pattern=r"^postgres(ql)?://"), AfterValidator(check_database_url)]
"""`postgresql://user@host/database`, or several hosts of which one takes writes: `db1:5432,db2:5432`."""


class Settings(BaseSettings):
    """What both `python -m gateway` and the service, for the gateway's functions, need."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)

    database_url: DatabaseUrl
    redis_url: RedisUrl = "redis://127.0.0.1:6379/0"
    public_url: str = Field(pattern=r"^https?://[^/?#]+$", max_length=LONGEST_PUBLIC_URL)
    default_from: str = Field(min_length=3, max_length=512)
    relay_url: Annotated[tuple[Relay, ...], NoDecode, _each(parse_relay)]
    secret_keys: Annotated[tuple[SecretKey, ...], NoDecode, _each(parse_secret_key)]
    dkim_keys: Annotated[tuple[DkimKey, ...], NoDecode, _each(parse_dkim_key)] = ()
    time_zone: str = "UTC"
    allow_reserved_domains: bool = False
    drain_seconds: float = Field(default=30.0, ge=1, le=600)

    lease_seconds: float = Field(default=60.0, ge=2, le=3600)
    sweep_seconds: float = Field(default=2.0, ge=0.05, le=60)
    campaign_deadline: Deadline = timedelta(hours=48)
    completed_deadline: Deadline = timedelta(hours=48)
    card_deadline: Deadline = timedelta(hours=24)
    same_refusals: int = Field(default=20, ge=2, le=1000)
    retry_once: Annotated[tuple[SourceType, ...], NoDecode, _each(parse_source_type)] = ()
    origin_privacy: OriginPrivacy = OriginPrivacy.HASH
    honeypot_link: bool = False
    test_emails_per_day: int = Field(default=50, ge=0, le=10_000)
    dns_servers: Annotated[tuple[DnsServer, ...], NoDecode, _each(parse_dns_server)] = Field(default=(), max_length=3)
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    recorder_dir: str | None = None
    journal_dir: str | None = None

    host: str = "127.0.0.1"
    bounce_domain: Annotated[str | None, _one(parse_domain)] = None
    reply_domain: Annotated[str | None, _one(parse_domain)] = None
    reply_mailboxes: Annotated[tuple[str, ...], NoDecode, _each(parse_mailbox_name)] = ()
    authserv_id: str | None = Field(default=None, min_length=1, max_length=255)
    inbound_smtp: int | None = Field(default=None, ge=0, le=65535)
    inbound_lmtp: int | None = Field(default=None, ge=0, le=65535)
    inbound_max_bytes: int = Field(default=26_214_400, ge=65_536, le=104_857_600)
    inbound_tls_certificate: str | None = None
    inbound_tls_key: str | None = None
    imap_url: Annotated[ImapMailbox | None, _one(parse_imap_url)] = None

    import_max_bytes: int = Field(default=1_073_741_824, ge=65_536, le=1_073_741_824)
    import_store_bytes: int = Field(default=8_589_934_592, ge=65_536, le=1_099_511_627_776)

    @field_validator("default_from")
    @classmethod
    def _check_default_from(cls, text: str) -> str:
        name, address = split_mailbox(text)
        try:
            Mailbox.parse(address, name, allow_reserved=True, path=())
            parse_own_address(address, allow_reserved=True, field=())
        except (Refusal, Refusals) as refusal:
            raise ValueError(f"is no mailbox to send from: {str(refusal).rstrip('.')}") from None
        return text

    @field_validator("time_zone")
    @classmethod
    def _check_time_zone(cls, name: str) -> str:
        try:
            check_time_zone(name, ())
        except Refusal as refusal:
            raise ValueError(f"is no time zone: {refusal.message.rstrip('.')}") from None
        return name

    @model_validator(mode="after")
    def _check_lists(self) -> Self:
        if not self.relay_url:
            raise ValueError("RELAY_URL names no relay")
        if not self.secret_keys:
            raise ValueError("SECRET_KEYS holds no key")
        if len({key.id for key in self.secret_keys}) != len(self.secret_keys):
            raise ValueError("SECRET_KEYS: two keys have one id; every key needs its own")
        names = [relay.name for relay in self.relay_url]
        if len(set(names)) != len(names):
            raise ValueError("RELAY_URL: two relays have one name; tell them apart with ?name=")
        return self


def read_settings(**overrides: Any) -> Settings:
    """Returns the settings of the environment. Raises SettingsError with one line a fault, and an example each."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise SettingsError(explain(error, examples(Settings))) from None


def explain(error: ValidationError, right: Mapping[str, str]) -> str:
    """Returns one line a fault: the variable's name, what is wrong, an example. Never the value: it may be a secret."""
    lines = []
    for fault in error.errors(include_input=False, include_url=False):
        what = "is missing" if fault["type"] == "missing" else fault["msg"].removeprefix("Value error, ")
        if fault["loc"]:
            what = f"{str(fault['loc'][0]).upper()} {what}"
        name = what.partition(" ")[0].rstrip(":")
        lines.append(f"{what}. For example: {name}={right[name]}")
    return "\n".join(lines)


def examples(settings: type[BaseSettings], more: Mapping[str, str] = EXAMPLES) -> dict[str, str]:
    """Returns an example of every variable: the one in `more`, else its default, as the environment would have it."""
    return {
        name.upper(): more.get(name.upper()) or _as_text(field.default) for name, field in settings.model_fields.items()
    }


def _as_text(value: Any) -> str:
    match value:
        case bool():
            return str(int(value))
        case timedelta():
            return f"PT{value // timedelta(hours=1)}H"
        case tuple():
            return ",".join(map(str, value))
        case float():
            return f"{value:g}"
    return str(value)
