"""When a time zone changes its clocks, and by which rule of the year. Pure, but for the time zone database."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from gateway.value import value

Rule = Mapping[str, object]
"""The parts of a recurrence rule (RFC 5545 3.3.10) by their names."""

_CYCLE = 28
"""Years after which weekdays fall on the same days again: within them each rule shows all of its days."""
_LISTED = 3
"""Years of changes that are listed where no rule covers them: the year before a visit, its own and the next."""
_STEP = timedelta(days=7)
"""No zone changes its clocks twice within a week."""
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@value
class Change:
    """One change of clocks; `at` is the local time before it (RFC 5545 3.6.5)."""

    at: datetime
    before: timedelta
    after: timedelta
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Observance:
    """A time in force from `first` on, and again at each further onset: those of `rule`, or those listed."""

    first: Change
    rule: Rule | None = None
    others: Sequence[datetime] = field(default=())


@lru_cache(maxsize=256)
def observances(time_zone: str, year: int) -> tuple[Observance, ...]:
    """Returns what a VTIMEZONE says for a visit in this year: a rule for each change where two hold for all years to
    come, else the changes of the years around it."""
    start = datetime(year - 1, 1, 1, tzinfo=UTC)
    zone = ZoneInfo(time_zone)
    changes = list(_changes(zone, start, start.replace(year=start.year + _CYCLE)))
    by_kind: dict[tuple[object, ...], list[Change]] = defaultdict(list)
    for change in changes:
        kind = (change.before, change.after, change.name, change.at.month, change.at.weekday(), change.at.time())
        by_kind[kind].append(change)
    rules = [_rule(kind) for kind in by_kind.values()]
    if len(rules) == 2 and all(rules):
        return tuple(Observance(first=kind[0], rule=rule) for kind, rule in zip(by_kind.values(), rules, strict=True))
    return _listed(_state(zone, start), [change for change in changes if change.at.year < start.year + _LISTED])


def _changes(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[Change]:
    """Each change of the zone's offset between two moments, to the second."""
    while start < end:
        following = start + _STEP
        before, after = _offset(zone, start), _offset(zone, following)
        if before != after:
            early, late = start, following
            while late - early > timedelta(seconds=1):
                middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
                early, late = (middle, late) if _offset(zone, middle) == before else (early, middle)
            yield Change(
                at=late.replace(tzinfo=None) + before, before=before, after=after, name=_state(zone, late).name
            )
        start = following


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _state(zone: ZoneInfo, moment: datetime) -> Change:
    local = moment.astimezone(zone)
    offset = _offset(zone, moment)
    return Change(at=local.replace(tzinfo=None), before=offset, after=offset, name=local.tzname() or "")


def _rule(changes: Sequence[Change]) -> Rule | None:
    """The rule of changes that have month, weekday and time in common; None where there is none for every year."""
    days = sorted({change.at.day for change in changes})
    if [change.at.year for change in changes] != list(range(changes[0].at.year, changes[0].at.year + _CYCLE)):
        return None
    if days != list(range(days[0], days[0] + 7)):
        return None
    first = changes[0].at
    weekday = _WEEKDAYS[first.weekday()]
    rule: dict[str, object] = {"freq": "YEARLY", "bymonth": first.month}
    if days[0] % 7 == 1:
        return rule | {"byday": f"{days[0] // 7 + 1}{weekday}"}
    if days[-1] == monthrange(first.year, first.month)[1]:
        return rule | {"byday": f"-1{weekday}"}
    return rule | {"byday": weekday, "bymonthday": days}


def _listed(state: Change, changes: Sequence[Change]) -> tuple[Observance, ...]:
    """The time at the beginning, then the listed changes by their kind."""
    by_kind: dict[tuple[object, ...], list[Change]] = defaultdict(list)
    for change in changes:
        by_kind[change.before, change.after, change.name].append(change)
    return (
        Observance(first=state),
        *(Observance(first=kind[0], others=tuple(change.at for change in kind[1:])) for kind in by_kind.values()),
    )
