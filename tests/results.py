"""What people did with campaign mail, counted anew from hits and events."""

from __future__ import annotations

from typing import Any

import asyncpg

_PEOPLE = """
    select m.mailing_id, m.id, bool_or(h.verdict = 'HUMAN') as human, bool_or(h.verdict = 'UNKNOWN') as unknown,
           bool_or(h.verdict = 'HUMAN' and h.kind = 'CLICK') as clicked
    from message m join hit h on h.customer_id = m.customer_id and h.message_id = m.id
    where m.mailing_id is not null and h.rules_version > 0
    group by m.mailing_id, m.customer_id, m.id
"""
_CHOICES = """
    select m.mailing_id, count(distinct m.id) filter (where e.kind = 'OPTED_OUT') as unsubscribed,
           count(distinct m.id) filter (where e.kind = 'COMPLAINED' and e.data ->> 'feedbackType' <> 'OPT_OUT')
               as complained,
           count(distinct m.id) filter (where e.kind = 'REPLIED' and not (e.data ->> 'automatic')::boolean) as replied
    from message m join event e on e.customer_id = m.customer_id and e.message_id = m.id
    where m.mailing_id is not null and e.recipient_no = 0
    group by m.mailing_id
"""
_RECOUNT = f"""
    select g.id, coalesce(k.opened, 0) as opened, coalesce(k.opened_unsure, 0) as opened_unsure,
           coalesce(k.machine_only, 0) as machine_only, coalesce(k.clicked, 0) as clicked,
           coalesce(n.unsubscribed, 0) as unsubscribed, coalesce(n.complained, 0) as complained,
           coalesce(n.replied, 0) as replied
    from mailing g
    left join (
        select p.mailing_id, count(*) filter (where p.human) as opened,
               count(*) filter (where p.unknown and not p.human) as opened_unsure,
               count(*) filter (where not p.human and not p.unknown) as machine_only,
               count(*) filter (where p.clicked) as clicked
        from ({_PEOPLE}) p group by p.mailing_id
    ) k on k.mailing_id = g.id
    left join ({_CHOICES}) n on n.mailing_id = g.id
"""  # noqa: S608 - constants of this file
_NAMES = ("opened", "opened_unsure", "machine_only", "clicked", "unsubscribed", "complained", "replied")
_SUMS = ", ".join(f"coalesce(sum(t.{name}), 0)::bigint" for name in _NAMES)
_TALLIES = f"select g.id, {_SUMS} from mailing g left join mailing_tally t on t.mailing_id = g.id group by g.id"  # noqa: S608 - the same
_FLAGS = ", ".join(f"count(*) filter (where e.{name})" for name in _NAMES)
_ROWS = f"select g.id, {_FLAGS} from mailing g left join message_engagement e on e.mailing_id = g.id group by g.id"  # noqa: S608 - the same
_LINKS = "select k.mailing_id, k.link, k.clicks, k.people from mailing_link k where k.clicks <> 0 or k.people <> 0"
_CLICKS = """
    select m.mailing_id, k.same_link, count(*), count(distinct m.id)
    from hit h
    join message m on m.customer_id = h.customer_id and m.id = h.message_id
    join mailing_link k on k.mailing_id = m.mailing_id and k.link = h.link
    where h.kind = 'CLICK' and h.verdict <> 'MACHINE' and h.rules_version > 0
    group by m.mailing_id, k.same_link
"""


async def results_amiss(connection: Any) -> list[asyncpg.Record]:
    """What a recount gives otherwise than the counts, the rows or the links say, both sides of it."""
    found: list[asyncpg.Record] = []
    for kept, counted in ((_TALLIES, _RECOUNT), (_ROWS, _RECOUNT), (_LINKS, _CLICKS)):
        found += await connection.fetch(f"(({kept}) except ({counted})) union all (({counted}) except ({kept}))")
    return found
