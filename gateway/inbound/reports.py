"""What mail systems report of mail they had taken: written into the history, and where a report counts, into the
message's status.

A report counts when a token of ours vouches for it, or a person. One that does not, and one about an earlier attempt
than the latest, is an event and changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from gateway.consent.suppressions import suppress
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.errors import GatewayError
from gateway.inbound.matching import Trace, own_message_id
from gateway.inbound.reading import Reading, StoredMail
from gateway.mail.choice import SuppressionReason
from gateway.mail.delivery_status import ReportAction
from gateway.mail.dsn import DeliveryReport, RecipientReport
from gateway.mail.header_guard import without_unwritable
from gateway.mail.inbound import MatchedBy
from gateway.mail.message import EventKind, MessageRef, Status
from gateway.mail.report_words import stage_of
from gateway.mail.response import Exchange
from gateway.mail.verdict import Cause, Rules, Verdict, judge
from gateway.notify.changes import ChangeKind, notify_change
from gateway.outbox.outcomes import GATEWAY
from gateway.value import value
from gateway.verdict_rules import read_verdict_rules

MAX_REPORTS = 100
"""Recipients of one report that are kept: a message has at most 101, and each is a transaction of its own."""
LONGEST_WORDS = 65_536
LONGEST_NAME = 512
"""Characters of an address or a server's name that are kept: more is no name."""
PATIENCE = timedelta(hours=1)
"""For how long a report waits for the end of the transaction that it is about: transactions and their leases end."""


class TooEarly(GatewayError):
    """The report is about a transaction that is under way: what the server answered is not written yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """One recipient of a message as a report finds it.

    `address` is None once erased. `latest` is the number of its latest attempt; `sent_before`: an earlier one may have
    left the mail with a server; `handed_off`: the attempt that is under way; `delivered`: a report that counts said
    that the mail is in the mailbox.
    """

    number: int
    address: str | None
    address_key: bytes
    status: Status
    sent_at: datetime | None
    latest: int
    sent_before: bool
    handed_off: int | None
    delivered: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Reported:
    """The message that a report is about, locked `at` a time of PostgreSQL's. `recipients` begin with its To.
    `internal`: it went to our own staff."""

    ref: MessageRef
    at: datetime
    erased: bool
    internal: bool
    recipients: tuple[Recipient, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a report says of one recipient of a message. `names_it`: it names the recipient's address, or none."""

    recipient: Recipient
    report: RecipientReport
    verdict: Verdict | None
    attempt: int | None
    matched_by: MatchedBy
    verified: bool
    names_it: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """The message that a mail reports on, and how many reports of it are new or read anew."""

    ref: MessageRef
    changed: int


@value
class _Row:
    """A row of `delivery_report`, as `insert_delivery_reports` reads it."""

    recipient_no: int
    attempt: int | None
    action: ReportAction
    verified: bool
    matched_by: MatchedBy
    recipient: str | None
    status_code: str | None
    code: int | None
    words: str | None
    reported_by: str | None
    host: str | None
    cause: Cause | None
    advice: str | None
    rule: str | None
    key_hex: str


async def write_reports(
    connection: Connection,
    stored: StoredMail,
    reading: Reading,
    trace: Trace,
    deployment: Deployment,
    *,
    actor: str = GATEWAY,
    revise: bool = False,
) -> Written | None:
    """Write what a mail reports of a message, within the caller's transaction; None when there is no such message.

    What stands already is left as it is, or with `revise` read anew: its words and cause, not what it changed.
    Raises TooEarly while the transaction that a report is about is under way.
    """
    report = reading.inbound.report
    reported = await read_reported(connection, trace.ref, deployment) if report is not None else None
    if report is None or reported is None:
        return None
    findings = find(reported, report, trace, deployment)
    if any(map(under_way, findings)) and reported.at - stored.received_at < PATIENCE:
        raise TooEarly("The mail that this report is about is being sent: read it again later.")
    rows = [
        _row(finding, report, _identity(stored, reading, number), erased=reported.erased)
        for number, finding in enumerate(findings)
    ]
    new = QUERIES.insert_delivery_reports(
        connection,
        customer_id=trace.ref.customer_id,
        message_id=trace.ref.message_id,
        inbound_id=stored.id,
        actor=actor,
        reports=rows,
    )
    written = {row["id"]: findings[row["n"] - 1] async for row in new}
    revised = 0
    if revise:
        found = QUERIES.revise_delivery_reports(connection, inbound_id=stored.id, reports=rows)
        revised = len([row async for row in found])
    await apply(connection, reported, written, actor=actor)
    if written or revised:
        await notify_change(connection, ChangeKind.MESSAGE, [trace.ref])
    return Written(ref=trace.ref, changed=len(written) + revised)


async def read_reported(connection: Connection, ref: MessageRef, deployment: Deployment) -> Reported | None:
    """Lock the message that a report or complaint is about; None when we sent no such message."""
    key = {"customer_id": ref.customer_id, "message_id": ref.message_id}
    message = await QUERIES.lock_reported_message(connection, **key)
    if message is None:
        return None
    rows = [row async for row in QUERIES.reported_recipients(connection, **key)]
    return Reported(
        ref=ref,
        at=message["at"],
        erased=message["erased"],
        internal=message["internal"],
        recipients=tuple(_recipient(row, deployment) for row in rows),
    )


def _recipient(row: Any, deployment: Deployment) -> Recipient:
    return Recipient(
        number=row["recipient_no"],
        address=row["address"],
        address_key=row["address_key"] or deployment.key_of(row["address"]),
        status=Status(row["status"]),
        sent_at=row["sent_at"],
        latest=row["latest"],
        sent_before=row["sent_before"],
        handed_off=row["handed_off"],
        delivered=row["delivered"],
    )


# What a report says of a message ------------------------------------------------------------------------------------


def find(reported: Reported, report: DeliveryReport, trace: Trace, deployment: Deployment) -> list[Finding]:
    """What a report says of a message's recipients: of the one that its token names, and of those whose addresses it
    names. A token vouches for its own recipient only, a person for all."""
    by_number = {one.number: one for one in reported.recipients}
    own = by_number.get(trace.recipient_no or 0)
    by_key = {one.address_key: one for one in reversed(reported.recipients)}
    findings = []
    for said in report.recipients[:MAX_REPORTS]:
        keys = _keys(said, deployment)
        named = next((by_key[key] for key in keys if key in by_key), None)
        if own is not None and own.address_key in keys:
            named = own
        recipient = named or own
        if recipient is not None:
            findings.append(
                Finding(
                    recipient=recipient,
                    report=said,
                    verdict=verdict_of(said, read_verdict_rules()),
                    attempt=trace.attempt if recipient is own else None,
                    matched_by=trace.matched_by,
                    verified=trace.matched_by is MatchedBy.PERSON or (trace.proven and recipient is own),
                    names_it=named is not None or not keys,
                )
            )
    return findings


def _keys(said: RecipientReport, deployment: Deployment) -> list[bytes]:
    """The keys of the addresses that a report gives one recipient; what has no key is no address."""
    keys = []
    for address in dict.fromkeys(name for name in (said.original, said.recipient) if name):
        try:
            keys.append(deployment.key_of(address))
        except (UnicodeError, ValueError):
            continue
    return keys


def verdict_of(said: RecipientReport, rules: Rules) -> Verdict | None:
    """What the words of a report mean, by the rules for servers' replies; None for what neither failed nor waits."""
    response = said.response()
    if response is None:
        return None
    return judge(
        Exchange(
            replies=(response,),
            response=response,
            fault=None,
            stage=response.stage,
            dot_sent=False,
            relay="",
            host=None,
            tls=None,
            started_at=_NEVER,
            took_ms=0,
        ),
        rules,
    )


_NEVER = datetime.min.replace(tzinfo=UTC)


def believed(reported: Reported, row: Any, deployment: Deployment) -> Finding:
    """A report that stands in the history, as it counts when a person vouches for it. `row` as in
    `lock_delivery_report`."""
    said = RecipientReport(
        recipient=row["recipient"],
        original=None,
        action=ReportAction(row["action"]),
        code=row["code"],
        status=row["status_code"],
        words=row["words"] or "",
        stage=stage_of(row["words"] or ""),
        remote_mta=row["host"],
        last_attempt=None,
        retried_until=None,
    )
    recipient = next(one for one in reported.recipients if one.number == row["recipient_no"])
    keys = _keys(said, deployment)
    return Finding(
        recipient=recipient,
        report=said,
        verdict=verdict_of(said, read_verdict_rules()),
        attempt=row["attempt"],
        matched_by=MatchedBy.PERSON,
        verified=True,
        names_it=not keys or recipient.address_key in keys,
    )


def under_way(finding: Finding) -> bool:
    """Whether the report would decide about a transaction whose outcome is not written yet."""
    handed_off = finding.recipient.handed_off
    return (
        finding.verified
        and handed_off is not None
        and finding.attempt in (None, min(handed_off, _LAST_NAMED))
        and finding.report.action in _DECIDING
    )


_ARRIVED = frozenset({ReportAction.DELIVERED, ReportAction.RELAYED})
_DECIDING = _ARRIVED | {ReportAction.FAILED}


# The rows of a report -----------------------------------------------------------------------------------------------


def _row(finding: Finding, report: DeliveryReport, identity: bytes, *, erased: bool) -> _Row:
    said, verdict = finding.report, finding.verdict
    return _Row(
        recipient_no=finding.recipient.number,
        attempt=finding.attempt,
        action=said.action,
        verified=finding.verified,
        matched_by=finding.matched_by,
        recipient=None if erased else _kept(said.address, LONGEST_NAME),
        status_code=_kept(said.status, LONGEST_NAME),
        code=said.code,
        words=None if erased else _kept(said.words, LONGEST_WORDS),
        reported_by=None if erased else _kept(report.reporting_mta, LONGEST_NAME),
        host=None if erased else _kept(said.remote_mta, LONGEST_NAME),
        cause=verdict.cause if verdict else None,
        advice=advice_of(said, verdict),
        rule=verdict.rule if verdict else None,
        key_hex=_key(finding, identity).hex(),
    )


def advice_of(said: RecipientReport, verdict: Verdict | None) -> str | None:
    """Our advice; what a mail system gave up is not tried again by us, whatever the words ask for."""
    if verdict is None or verdict.advice is None:
        return None
    if said.action is ReportAction.DELAYED:
        return DELAYED_ADVICE
    return verdict.advice.removesuffix(f" {read_verdict_rules().again}")


DELAYED_ADVICE = "The other mail system has it and goes on trying. Nothing is to be done."


def _kept(text: str | None, limit: int) -> str | None:
    return None if text is None else without_unwritable(text[:limit])


def _identity(stored: StoredMail, reading: Reading, number: int) -> bytes:
    """What tells one recipient's report from another: the report's own Message-ID, by whichever way it came; its bytes
    where it has none, or that of the mail that it returns, as those about each attempt would."""
    named = reading.correspondence.message_id
    is_its_own = named is not None and own_message_id(named) is None
    own = named.encode("utf-8", "replace") if named is not None and is_its_own else stored.content_sha256
    return hashlib.sha256(own + b"\0" + str(number).encode()).digest()


def _key(finding: Finding, identity: bytes) -> bytes:
    of = f"{finding.recipient.number} {finding.report.action} {finding.verified}"
    return hashlib.sha256(identity + of.encode()).digest()


# What a report changes ----------------------------------------------------------------------------------------------


async def apply(
    connection: Connection, reported: Reported, written: dict[UUID, Finding], *, actor: str = GATEWAY
) -> None:
    """Change what these new reports change: statuses, then suppressions. Within the caller's transaction, which has
    locked the message."""
    deciding = _deciding(written)
    failed = {number: one for number, one in deciding.items() if one[1].report.action is ReportAction.FAILED}
    arrived = {number: one for number, one in deciding.items() if number not in failed}
    ref = {"customer_id": reported.ref.customer_id, "message_id": reported.ref.message_id, "actor": actor}
    if any(changes(one) is Status.BOUNCED for _, one in failed.values()):
        bounced = QUERIES.bounce_recipients(
            connection,
            **ref,
            recipient_nos=list(failed),
            report_ids=[report_id for report_id, _ in failed.values()],
            causes=[one.verdict.cause if one.verdict else None for _, one in failed.values()],
            advices=[advice_of(one.report, one.verdict) for _, one in failed.values()],
        )
        _ = [row async for row in bounced]
    if any(changes(one) is Status.ACCEPTED for _, one in arrived.values()):
        settled = QUERIES.settle_by_report(
            connection,
            **ref,
            recipient_nos=list(arrived),
            report_ids=[report_id for report_id, _ in arrived.values()],
        )
        _ = [row async for row in settled]
    if not reported.internal:  # a staff mailbox that is back gets the next reply, which nobody would miss while held
        await _suppress(connection, reported.ref, [one for _, one in failed.values()])


def _deciding(written: dict[UUID, Finding]) -> dict[int, tuple[UUID, Finding]]:
    """For each recipient the report that decides: one that names its address before one about an address that the mail
    went on to."""
    found: dict[int, tuple[UUID, Finding]] = {}
    for report_id, finding in sorted(written.items(), key=lambda one: not one[1].names_it):
        if finding.verified and finding.report.action in _DECIDING and about_latest(finding):
            found.setdefault(finding.recipient.number, (report_id, finding))
    return found


def about_latest(finding: Finding) -> bool:
    """Whether a report is about the latest attempt. An old token does not say: then only if no other may have left the
    mail with a server. A person who vouches for it looked."""
    if finding.attempt is not None:
        return finding.attempt == min(finding.recipient.latest, _LAST_NAMED)
    return finding.matched_by is MatchedBy.PERSON or not finding.recipient.sent_before


_LAST_NAMED = 255
"""A return path has one byte for the attempt: every later one is named as this one."""


def changes(finding: Finding) -> Status | None:
    """What a report that counts makes of its recipient; None when that stays as it is."""
    status, action = finding.recipient.status, finding.report.action
    if action is ReportAction.FAILED and status in (Status.ACCEPTED, Status.UNCERTAIN):
        return Status.BOUNCED
    return Status.ACCEPTED if action in _ARRIVED and status is Status.UNCERTAIN else None


async def _suppress(connection: Connection, ref: MessageRef, failed: Collection[Finding]) -> None:
    """Suppress addresses that do not exist, as a refusal would. Not one that another report found a mailbox at, and not
    one that a person has let go since the mail was sent."""
    for finding in failed:
        recipient = finding.recipient
        stands = recipient.status is Status.BOUNCED or changes(finding) is Status.BOUNCED
        if not (stands and finding.names_it and finding.verdict and finding.verdict.suppress) or recipient.delivered:
            continue
        if recipient.sent_at is not None and await QUERIES.suppression_lifted_since(
            connection, address_key=recipient.address_key, since=recipient.sent_at
        ):
            continue
        if await suppress(
            connection, address_key=recipient.address_key, reason=SuppressionReason.BAD_ADDRESS, evidence=ref
        ):
            data = {"reason": SuppressionReason.BAD_ADDRESS}
            await record_event(connection, ref, recipient.number, EventKind.SUPPRESSED, actor=GATEWAY, data=data)


async def record_event(
    connection: Connection, ref: MessageRef, recipient_no: int, kind: EventKind, *, actor: str, data: dict[str, Any]
) -> None:
    """Record what happened to one recipient of a message."""
    await QUERIES.insert_event(
        connection,
        customer_id=ref.customer_id,
        message_id=ref.message_id,
        recipient_no=recipient_no,
        kind=kind,
        actor=actor,
        data=data,
    )
