"""What a person orders of relays and destinations: pauses that nothing but their end or a person ends, and limits that
stand before those of RELAY_URL. Each is on record, with who, when and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.database import QUERIES, Connection
from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.mail.address import parse_address
from gateway.mail.field_checks import check_free_text
from gateway.outbox.domain_limits import MAX_PER_DAY, MAX_PER_MINUTE, check_range, check_warm_up_factor
from gateway.outbox.parked import release_parked
from gateway.outbox.relay_limits import RelayEventKind, note_order

LONGEST_WHY = 500
"""Characters of a reason: some sentences, shown beside the pause."""
LONGEST_PAUSE = timedelta(days=366)
"""Days until which a pause may end: mail that waits has its deadline long before; what is to last longer has no end."""
USUAL_FACTOR = 2.0
"""By which a warm-up grows a day where nothing is said, as in RELAY_URL."""

NO_SUCH_RELAY = Refusal(RefusalCode.NOT_FOUND, "There is no such relay.", ("name",))


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayLimit:
    """The limits of a relay, all of them: None is no limit of ours, in place of what RELAY_URL says. A warm-up starts
    at so many a day and grows by its factor daily. `as_configured`: those of RELAY_URL are in force again."""

    name: str
    per_minute: int | None = None
    per_day: int | None = None
    warm_up_start: int | None = None
    warm_up_factor: float | None = None
    as_configured: bool = False

    @property
    def text(self) -> str:
        """For the history."""
        if self.as_configured:
            return "As RELAY_URL says."
        said = [f"{self.per_minute:,} a minute"] if self.per_minute is not None else []
        said += [f"{self.per_day:,} a day"] if self.per_day is not None else []
        if self.warm_up_start is not None:
            said.append(f"a warm-up from {self.warm_up_start:,} a day, by {self.warm_up_factor or USUAL_FACTOR:g}")
        return f"{', '.join(said)}." if said else "None."


async def pause_relay(connection: Connection, name: str, until: datetime | None, why: str, actor: str) -> None:
    """Pause a relay until a time, or until a person resumes it; paused already, its pause becomes this one. Every
    worker knows within a second: what is on its way ends, nothing more is handed off. Raises Refusal or Refusals:
    NOT_FOUND, INVALID, REQUIRED, TOO_LONG, CARD_NUMBER."""
    faults = RefusalCollector()
    with faults.check():
        if not await QUERIES.relay_exists(connection, name=name):
            raise NO_SUCH_RELAY
    await _check_pause(connection, faults, until, why)
    faults.raise_any()
    async with connection.transaction():
        paused = await QUERIES.pause_relay_by_person(connection, name=name, until=until, why=why.strip(), actor=actor)
        if paused is None:
            raise NO_SUCH_RELAY
        await note_order(connection, RelayEventKind.PAUSED, actor, relay=name, text=why.strip(), until=until)
    if paused["is_shortened"]:
        await release_parked(connection, relay=name, paused_until=paused["paused_until"])


async def pause_destination(connection: Connection, domain: str, until: datetime | None, why: str, actor: str) -> None:
    """The same for mail to a domain, whatever the relay. Raises Refusal or Refusals: INVALID, REQUIRED, TOO_LONG,
    CARD_NUMBER."""
    faults = RefusalCollector()
    name = ""
    with faults.check():
        name = _domain(domain)
    await _check_pause(connection, faults, until, why)
    faults.raise_any()
    async with connection.transaction():
        paused = await QUERIES.pause_destination_by_person(
            connection, domain=name, until=until, why=why.strip(), actor=actor
        )
        await note_order(connection, RelayEventKind.PAUSED, actor, domain=name, text=why.strip(), until=until)
    if paused["is_shortened"]:
        await release_parked(connection, domain=name, paused_until=paused["paused_until"])


async def limit_relay(connection: Connection, limit: RelayLimit, actor: str) -> None:
    """Set, change or lift a relay's limits. They stay before those of RELAY_URL, whatever starts again. Raises Refusal
    or Refusals: NOT_FOUND, INVALID."""
    faults = RefusalCollector()
    with faults.check():
        if not await QUERIES.relay_exists(connection, name=limit.name):
            raise NO_SUCH_RELAY
    _check_limit(faults, limit)
    faults.raise_any()
    async with connection.transaction():
        limited = await QUERIES.limit_relay(
            connection,
            name=limit.name,
            as_configured=limit.as_configured,
            min_interval=timedelta(minutes=1) / limit.per_minute if limit.per_minute else None,
            per_day=limit.per_day,
            warm_up_start=limit.warm_up_start,
            warm_up_factor=(limit.warm_up_factor or USUAL_FACTOR) if limit.warm_up_start else None,
            actor=actor,
        )
        if limited is None:
            raise NO_SUCH_RELAY
        await note_order(connection, RelayEventKind.LIMITED, actor, relay=limit.name, text=limit.text)


async def _check_pause(connection: Connection, faults: RefusalCollector, until: datetime | None, why: str) -> None:
    """Note what is wrong with a pause's end and its reason. The clock is PostgreSQL's, as everywhere in the gateway."""
    with faults.check():
        if until is not None:
            now = await QUERIES.now(connection)
            if until <= now:
                raise Refusal(RefusalCode.INVALID, "This time is past.", ("until",))
            if until > now + LONGEST_PAUSE:
                message = f"At most {LONGEST_PAUSE.days} days ahead; leave it out for a pause without an end."
                raise Refusal(RefusalCode.INVALID, message, ("until",))
    with faults.check():
        if not why.strip():
            raise Refusal(RefusalCode.REQUIRED, "Say why: whoever finds it paused wants to know.", ("why",))
        check_free_text(why.strip(), ("why",), LONGEST_WHY)


def _check_limit(faults: RefusalCollector, limit: RelayLimit) -> None:
    given = {
        "perMinute": (limit.per_minute, MAX_PER_MINUTE),
        "perDay": (limit.per_day, MAX_PER_DAY),
        "warmUpStart": (limit.warm_up_start, MAX_PER_DAY),
    }
    for field, (number, most) in given.items():
        with faults.check():
            check_range(number, most, field)
    with faults.check():
        check_warm_up_factor(limit.warm_up_factor)
    with faults.check():
        if limit.warm_up_factor is not None and limit.warm_up_start is None:
            message = "A factor needs the number that the warm-up starts with: warmUpStart."
            raise Refusal(RefusalCode.INVALID, message, ("warmUpFactor",))
    with faults.check():
        if limit.as_configured and any(number is not None for number, _ in given.values()):
            message = "Either the limits of RELAY_URL or others."
            raise Refusal(RefusalCode.INVALID, message, ("asConfigured",))


def _domain(text: str) -> str:
    """A domain as the queue has it, in small letters and A-labels. Raises Refusal."""
    try:
        return parse_address(f"postmaster@{text.strip().removesuffix('.')}", allow_reserved=True).domain
    except Refusal:
        raise Refusal(RefusalCode.INVALID, "A domain, such as example.com.", ("domain",)) from None
