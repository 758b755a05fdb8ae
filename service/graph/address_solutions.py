"""What may help with bad addresses: the facts of many are read at once, and judged by the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from gateway.deployment import Deployment
from gateway.finding.bad_addresses import DEPTH
from gateway.mail.address import domain_of
from gateway.mail.address_solutions import (
    OF_A_DOMAIN_NOBODY_IS_AT,
    Facts,
    Meant,
    OtherAddress,
    Solution,
    meant_by,
    near_domains,
    solutions,
    speaks_of_address,
)
from gateway.mail.delivery_status import ReportAction
from gateway.mail.dsn import RecipientReport
from gateway.mail.report_words import stage_of
from gateway.mail.response import Response, Stage
from gateway.mail.verdict import Cause
from gateway.verdict_rules import read_verdict_rules
from service.database import Reading, statement

FACTS = statement("facts_of_bad_addresses")
DOMAINS = statement("domains_that_took_mail")
SUPPRESSED = statement("suppressed_among")

LOOKED_AT = 100
"""Mails of a domain that are looked at to know whether it took mail of several customers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What was said of the mail that failed last, None when nobody said anything, and what may help."""

    said: str | None
    solutions: Sequence[Solution]


async def read_solutions(reading: Reading, deployment: Deployment, ids: Sequence[UUID]) -> dict[UUID, Judged]:
    """What may help with each of these bad addresses; three statements for all."""
    rows = await reading.fetch(FACTS, ids=list(ids), depth=DEPTH)
    meant = await _meant(reading, deployment, rows)
    return {row["id"]: Judged(said=row["said"], solutions=solutions(_facts(row, meant.get(row["id"])))) for row in rows}


async def _meant(reading: Reading, deployment: Deployment, rows: Sequence[Record]) -> dict[UUID, Meant]:
    """The addresses that mistyped ones stand for; none that must not be mailed either."""
    near: dict[str, list[str]] = {domain_of(row["address"]): [] for row in rows}
    for row in rows:
        domain = domain_of(row["address"])
        if not near[domain] and Cause(row["cause"]) in OF_A_DOMAIN_NOBODY_IS_AT:
            near[domain] = near_domains(domain)
    names = sorted({name for domain, names in near.items() for name in (domain, *names)})
    took = {row["domain"]: row["customers"] for row in await reading.fetch(DOMAINS, domains=names, depth=LOOKED_AT)}
    found: dict[UUID, Meant] = {}
    for row in rows:
        domain = domain_of(row["address"])
        known = {name: took[name] for name in near[domain] if name in took}
        one = meant_by(row["address"], Cause(row["cause"]), known, takes_mail=domain in took)
        if one is not None:
            found[row["id"]] = one
    keys = {key: deployment.key_of(one.address) for key, one in found.items()}
    closed = {row["address_key"] for row in await reading.fetch(SUPPRESSED, address_keys=list(keys.values()))}
    return {key: one for key, one in found.items() if keys[key] not in closed}


async def took_mail_or_is_mistyped(reading: Reading, address: str) -> tuple[bool, Meant | None]:
    """Whether the domain of an address took mail of ours; and, if not, the address that it most likely stands for."""
    domain = domain_of(address)
    near = near_domains(domain)
    rows = await reading.fetch(DOMAINS, domains=[domain, *near], depth=LOOKED_AT)
    took = {row["domain"]: row["customers"] for row in rows}
    known = {name: took[name] for name in near if name in took}
    return domain in took, meant_by(address, Cause.BAD_DOMAIN, known, takes_mail=domain in took)


def _facts(row: Record, meant: Meant | None) -> Facts:
    return Facts(
        address=row["address"],
        cause=Cause(row["cause"]),
        failing_since=row["failing_since"],
        now=row["read_at"],
        rule=row["rule"],
        closed=row["closed"],
        words_speak_of_it=_words_speak_of_it(row),
        meant=meant,
        others=[OtherAddress(address=address, accepted_at=datetime.fromisoformat(at)) for address, at in row["others"]],
    )


def _words_speak_of_it(row: Record) -> bool:
    """Whether what closed the address would do so today; where it is not known any more, it did."""
    said = _reported(row) if row["reported"] else _answered(row)
    return said is None or speaks_of_address(said, read_verdict_rules(), at=row["read_at"])


def _answered(row: Record) -> Response | None:
    if row["code"] is None or row["words"] is None:
        return None
    return Response(code=row["code"], enhanced=row["enhanced"], text=row["words"], stage=Stage(row["stage"]))


def _reported(row: Any) -> Response | None:
    report = RecipientReport(
        recipient=row["recipient"],
        original=None,
        action=ReportAction.FAILED,
        code=row["code"],
        status=row["enhanced"],
        words=row["words"] or "",
        stage=stage_of(row["words"] or ""),
        remote_mta=None,
        last_attempt=None,
        retried_until=None,
    )
    return report.response()
