"""Figures of mail over time, in tests: recounted from the ledger, mail by mail."""

from __future__ import annotations

import math
from collections import Counter
from datetime import timedelta
from typing import Any

from gateway.finding import months
from gateway.mail.time_buckets import GROWTH
from tests.finding import RECOUNT

ROLLUPS = {
    "all": (),
    "mail": ("source_type", "cause", "relay", "sender"),
    "source": ("source_type",),
    "cause": ("cause",),
    "relay": ("relay",),
    "sender": ("sender",),
    "campaign": ("campaign_id", "cause"),
    "domain": ("domain", "cause"),
}
"""What each tells apart."""
WITHOUT_HOURS = ("source", "cause", "relay", "sender", "domain")
COUNTS = ["sent", "accepted", "deferred", "refused", "bounced", "complained", "opened", "clicked", "received"]
MAIL = f"""
select uuid_extract_timestamp(m.id) as at, m.*, g.campaign_id,
       (m.direction = 'SENT')::int as sent, (m.status in ('ACCEPTED', 'BOUNCED'))::int as accepted,
       m.deferrals as deferred, (m.status = 'REFUSED')::int as refused, (m.status = 'BOUNCED')::int as bounced,
       m.complained::int as has_complained, m.opened::int as has_opened, m.clicked::int as has_clicked,
       (m.direction = 'RECEIVED')::int as received
from ({RECOUNT}) m left join mailing g on g.id = m.mailing_id
"""  # noqa: S608 - names of the tests' own
KEPT_BY_MAIL = """
select s.source_type, s.cause, r.name as relay, n.name as sender, s.campaign_id, s.starts_at, s.sent, s.accepted,
       s.deferred, s.refused, s.bounced, s.complained, s.opened, s.clicked, s.received, s.times, s.percentiles
from mail_statistics s
left join search_name r on r.no = s.relay_no
left join search_name n on n.no = s.sender_no
where s.rollup = '{rollup}' and s.span = '{span}'
"""
KEPT_BY_DOMAIN = """
select d.name as domain, s.cause, s.day::timestamp at time zone 'UTC' as starts_at, s.sent, s.accepted, s.deferred,
       s.refused, s.bounced, s.complained, s.opened, s.clicked, s.received, s.times, null::int[] as percentiles
from domain_statistics s
left join search_name d on d.no = s.domain_no
"""
MONTHS_AMISS = f"""
with days as (
    select date_trunc('month', s.day)::date as month, s.domain_no, s.cause,
           {", ".join(f"sum(s.{name}) as {name}" for name in COUNTS)}, add_up_times(all_times(s.times)) as times
    from domain_statistics s, domain_month_progress p
    where (s.day, coalesce(s.domain_no, 0)) < (p.day, p.domain_no)
    group by 1, 2, 3
), months as (
    select m.month, m.domain_no, m.cause, {", ".join(f"m.{name}" for name in COUNTS)}, add_up_times(m.times) as times
    from domain_month_statistics m
)
(select 'not in its month' as what, d::text from days d except select 'not in its month', m::text from months m)
union all
(select 'not in its days', m::text from months m except select 'not in its days', d::text from days d)
"""  # noqa: S608 - names of the tests' own


def _sums() -> str:
    named = {"complained": "has_complained", "opened": "has_opened", "clicked": "has_clicked"}
    return ", ".join(f"sum({named.get(name, name)})::bigint as {name}" for name in COUNTS)


def recount(rollup: str, span: str) -> str:
    """The statement that counts all mail of the ledger as a rollup does."""
    keys = ", ".join([*ROLLUPS[rollup], f"date_trunc('{span}', at, 'UTC') as starts_at"])
    places = ", ".join(str(place + 1) for place in range(len(ROLLUPS[rollup]) + 1))
    return f"""
        select {keys}, {_sums()},
               array_agg(took_ms order by took_ms) filter (where took_ms is not null) as took
        from ({MAIL}) mail group by {places}"""  # noqa: S608 - names of the tests' own


async def statistics_amiss(connection: Any) -> list[str]:
    """What is kept and a recount does not give, and the other way round. Rows that came back to zero are none."""
    wrong: list[str] = []
    for rollup in ROLLUPS:
        for span in ("day",) if rollup == "domain" else ("hour", "day", "month"):
            if span == "hour" and rollup in WITHOUT_HOURS:
                continue
            kept = KEPT_BY_DOMAIN if rollup == "domain" else KEPT_BY_MAIL.format(rollup=rollup, span=span)
            wrong += await _differences(connection, rollup, span, kept)
    return wrong + await months_amiss(connection)


async def add_day(connection: Any, width: int = months.WIDTH) -> bool:
    """The next step of the job at once."""
    return await months.add_day(connection, width=width, pause=timedelta(seconds=-1))


async def months_amiss(connection: Any) -> list[str]:
    """Months by domain that are not the sum of those of their days that were added, and the other way round."""
    return [f"{row['what']}: {row['d']}" for row in await connection.fetch(MONTHS_AMISS)]


async def _differences(connection: Any, rollup: str, span: str, kept: str) -> list[str]:
    keys = (*ROLLUPS[rollup], "starts_at")
    found = {tuple(row[key] for key in keys): row for row in await connection.fetch(kept)}
    ledger = {tuple(row[key] for key in keys): row for row in await connection.fetch(recount(rollup, span))}
    wrong = []
    for key in found.keys() | ledger.keys():
        have, want = _kept(found.get(key)), _counted(ledger.get(key))
        if have != want:
            wrong.append(f"{rollup} {span} {key}: {have}, and the ledger has {want}")
        percentiles = found[key]["percentiles"] if key in found else None
        if (rollup, span) == ("all", "day") and (percentiles or [None, None]) != percentiles_of(want[1]):
            wrong.append(f"{key}: percentiles {percentiles}")
    return wrong


def _kept(row: Any) -> tuple[list[int], dict[int, int]]:
    """The counts of a row, and how many times each bucket has."""
    times: Counter[int] = Counter()
    for code in row["times"] if row else ():
        times[code & 255] += code >> 8
    return [row[name] if row else 0 for name in COUNTS], {bucket: n for bucket, n in times.items() if n}


def _counted(row: Any) -> tuple[list[int], dict[int, int]]:
    """The same of the ledger's own times."""
    took = (row["took"] if row else None) or ()
    return [row[name] if row else 0 for name in COUNTS], dict(Counter(bucket_of(ms) for ms in took))


def bucket_of(ms: int) -> int:
    """The bucket of a time."""
    return min(255, math.floor(math.log(max(ms, 1)) / math.log(GROWTH)))


def percentiles_of(times: dict[int, int]) -> list[int | None]:
    """The buckets of the median and of the 95th percentile."""
    took = [bucket for bucket in sorted(times) for _ in range(times[bucket])]
    return [took[math.ceil(len(took) * share / 100) - 1] if took else None for share in (50, 95)]
