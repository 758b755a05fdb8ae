"""A ledger of mail of every kind, and a plain reading of it: which messages a query finds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gateway.mail.address import address_key
from gateway.mail.message import NEED_ATTENTION, MessageRef
from service.finding.query import WAITING, MessageQuery
from tests.builders import KEYRING, NOON, make_campaign, make_customer, make_sender_version, make_template_version

RELAYS = ("main", "spare")
DOMAINS = ("customer.example", "rare.example", "xn--mnchen-3ya.example")
STATUSES = ("ACCEPTED",) * 8 + ("REFUSED", "BOUNCED", "UNCERTAIN", "HELD", "EXPIRED", "CANCELLED", "QUEUED", "QUEUED")
CAUSES = ("BAD_ADDRESS", "MAILBOX_FULL", "SUPPRESSED", "OPTED_OUT")
SUBJECTS = ("Your appointment", "Invoice INV-100507", "Autumn offer", "Re: where is it?")


@dataclass(slots=True)
class Mail:
    """One message as the plain reading knows it."""

    ref: MessageRef
    date: datetime
    values: dict[str, Any]
    relay: str | None = None
    address: str | None = None
    sender: UUID | None = None
    shown: str = ""
    clicked: bool = False
    waits_unanswered: bool = False


@dataclass(slots=True)
class Ledger:
    """What there is."""

    mails: list[Mail] = field(default_factory=list)
    customers: list[int] = field(default_factory=list)
    campaigns: list[UUID] = field(default_factory=list)
    mailings: list[int] = field(default_factory=list)
    senders: list[UUID] = field(default_factory=list)

    def found(self, query: MessageQuery, *, oldest_first: bool = False) -> list[MessageRef]:
        """What the query finds, in order."""
        passing = [mail.ref for mail in self.mails if _passes(mail, query, self)]
        return sorted(passing, key=lambda ref: ref.message_id, reverse=not oldest_first)


def _passes(mail: Mail, query: MessageQuery, ledger: Ledger) -> bool:
    values = mail.values
    named = query.ids is not None or query.customer_ids is not None
    if values["internal"] or (
        mail.waits_unanswered and not named and not (query.statuses and WAITING & set(query.statuses))
    ):
        return False
    mailing = values["mailing_id"]
    campaign = values["campaign_id"]
    attention = values["status"] in NEED_ATTENTION and values["cause"] != "OPTED_OUT"
    domain = mail.address.rpartition("@")[2] if mail.address else None
    checks: Sequence[tuple[Any, Any]] = (
        (query.ids, mail.ref),
        (query.customer_ids, mail.ref.customer_id),
        (query.statuses, mail.shown),
        (query.causes, values["cause"]),
        (query.source_types, values["source_type"]),
        (query.direction and (query.direction,), values["direction"]),
        (query.campaign_ids, campaign),
        (query.mailing_ids, mailing),
        (query.sender_ids, mail.sender),
        (query.relays, mail.relay),
        (query.domains, domain),
        (query.addresses, mail.address),
        (None if query.opened is None else (query.opened,), values["opened_at"] is not None),
        (None if query.clicked is None else (query.clicked,), mail.clicked),
        (None if query.tracked is None else (query.tracked,), values["tracked"]),
        (None if query.needs_attention is None else (query.needs_attention,), attention),
    )
    in_span = (query.since is None or mail.date >= query.since) and (query.until is None or mail.date < query.until)
    return in_span and all(wanted is None or value in wanted for wanted, value in checks)


async def make_ledger(connection: Any, count: int, *, seed: int = 1, seconds: int = 600) -> Ledger:
    """So many messages of ten customers over so many seconds from NOON on, of two campaigns and single ones."""
    ledger, chance = Ledger(), random.Random(seed)
    ledger.customers = [await make_customer(connection) for _ in range(10)]
    versions = [await make_sender_version(connection) for _ in range(2)]
    rows = await connection.fetch("select id, sender_id from sender_version where id = any($1)", versions)
    senders = {row["id"]: row["sender_id"] for row in rows}
    ledger.senders = sorted(senders.values())
    ledger.campaigns = [await make_campaign(connection, sender_version_id=versions[0]) for _ in range(2)]
    mailings = {
        row["campaign_id"]: row["id"]
        for row in await connection.fetch(
            "select campaign_id, id from mailing where campaign_id = any($1)", ledger.campaigns
        )
    }
    ledger.mailings = list(mailings.values())
    template = await make_template_version(connection)
    beside: dict[str, list[dict[str, Any]]] = {name: [] for name in ("attempt", "outbox", "hit", "received_mail")}
    lanes = {row["mailing_id"]: row["id"] for row in await connection.fetch("select id, mailing_id from lane")}
    individual = await connection.fetchval("select id from lane where name = 'individual'")
    engaged: list[dict[str, Any]] = []
    for number in range(count):
        date = NOON + timedelta(seconds=seconds) * number / count
        mail = _mail(chance, ledger, mailings, versions, senders, template, date, number)
        ledger.mails.append(mail)
        _note_beside(chance, mail, beside, engaged, lanes, individual)
    await _insert(connection, "message", [mail.values for mail in ledger.mails])
    for table, made in beside.items():
        await _insert(connection, table, made)
    await _insert(connection, "message_engagement", engaged)
    await connection.execute(
        "insert into message_change (customer_ids, message_ids)"
        " select array_agg(customer_id), array_agg(id) from message"
    )
    return ledger


def _mail(
    chance: random.Random,
    ledger: Ledger,
    mailings: dict[UUID, int],
    versions: Sequence[UUID],
    senders: dict[UUID, UUID],
    template: UUID,
    date: datetime,
    number: int,
) -> Mail:
    made = date + timedelta(milliseconds=chance.choice((0, 0, 0, 40, 900)))
    milliseconds = (made - datetime(1970, 1, 1, tzinfo=NOON.tzinfo)) // timedelta(milliseconds=1)
    id_ = UUID(int=(milliseconds << 80) | (7 << 76) | chance.getrandbits(12) << 64 | (2 << 62) | number)
    ref = MessageRef(customer_id=chance.choice(ledger.customers), message_id=id_)
    kind = chance.choice(("campaign",) * 5 + ("letter",) * 4 + ("received", "internal"))
    status = chance.choice(STATUSES)
    address = f"reader{chance.randrange(20)}@{chance.choices(DOMAINS, (90, 1, 9))[0]}"
    campaign = chance.choice(ledger.campaigns) if kind == "campaign" else None
    received = kind == "received"
    status = "RECEIVED" if received else "QUEUED" if kind == "internal" else status
    version = versions[0] if campaign else chance.choice(versions)
    caused = status in ("REFUSED", "BOUNCED", "UNCERTAIN", "HELD", "EXPIRED")
    tracked = kind in ("campaign", "letter") and chance.random() < 0.7
    values = {
        "customer_id": ref.customer_id,
        "id": id_,
        "direction": "RECEIVED" if received else "SENT",
        "internal": kind == "internal",
        "source_type": {"campaign": "CAMPAIGN", "received": None, "internal": None}.get(
            kind, chance.choice(("WORK_ORDER", "E_SIGNATURE", "CARD_PROCESSING"))
        ),
        "status": status,
        "campaign_id": campaign,
        "mailing_id": mailings[campaign] if campaign else None,
        "occurrence": str(number) if campaign else "",
        "template_version_id": None if received else template,
        "sender_version_id": None if received else version,
        "mail_date": date,
        "decided_at": None if status == "QUEUED" else date,
        "sent_at": date if status in ("ACCEPTED", "BOUNCED") else None,
        "bounced_at": date if status == "BOUNCED" else None,
        "opened_at": date if tracked and status == "ACCEPTED" and chance.random() < 0.3 else None,
        "cause": chance.choice(CAUSES) if caused else None,
        "sender": address if received else "hello@fabrikam.example",
        "recipient": "office@fabrikam.example" if received else address,
        "subject": chance.choice(SUBJECTS),
        "tracked": tracked,
    }
    sender = None if received else senders[version]
    return Mail(ref=ref, date=date, values=values, address=address, sender=sender, shown=status)


def _note_beside(
    chance: random.Random,
    mail: Mail,
    beside: dict[str, list[dict[str, Any]]],
    engaged: list[dict[str, Any]],
    lanes: dict[int, int],
    individual: int,
) -> None:
    """What other tables hold of it."""
    key = {"customer_id": mail.ref.customer_id, "message_id": mail.ref.message_id}
    if mail.values["direction"] == "RECEIVED":
        words = {"from_address": mail.address, "author": "CUSTOMER", "body": "Where is it?", "automatic": False}
        beside["received_mail"].append({**key, **words, "cut": False, "more_attachments": 0})
        return
    if mail.values["status"] == "QUEUED":
        mail.shown = chance.choice(("QUEUED", "HANDED_OFF", "DEFERRED"))
        mail.waits_unanswered = mail.values["campaign_id"] is not None and mail.shown != "DEFERRED"
        leased = mail.shown == "HANDED_OFF"
        beside["outbox"].append(
            {
                **key,
                "recipient_no": 0,
                "lane_id": lanes.get(mail.values["mailing_id"], individual),
                "due_at": mail.date,
                "scheduled": False,
                "rate_counted": False,
                "retry_once": False,
                "address": mail.address,
                "address_key": address_key(mail.address or "", KEYRING.address_key),
                "domain": (mail.address or "").rpartition("@")[2],
                "attempt": 2 if mail.shown == "DEFERRED" else 1,
                "expires_at": mail.date + timedelta(days=1),
                "lease_owner": UUID(int=1) if leased else None,
                "lease_until": mail.date if leased else None,
                "handed_off_at": mail.date if leased else None,
            }
        )
    if mail.values["status"] not in ("QUEUED", "HELD", "CANCELLED") or mail.shown == "DEFERRED":
        mail.relay = chance.choices(RELAYS, (97, 3))[0]
        verdict = "DEFERRED" if mail.values["status"] == "QUEUED" else "ACCEPTED"
        said: dict[str, Any] = {
            "number": 1,
            "verdict": verdict,
            "stage": "END_OF_DATA",
            "code": 250,
            "response": "2.0.0 Ok",
        }
        beside["attempt"].append(
            {**key, **said, "recipient_no": 0, "relay": mail.relay, "started_at": mail.date, "took_ms": 5}
        )
    if mail.values["opened_at"] and chance.random() < 0.4:
        mail.clicked = True
        hit: dict[str, Any] = {
            "kind": "CLICK",
            "url": "https://fabrikam.example/",
            "verdict": "HUMAN",
            "rules_version": 1,
        }
        flags = {"head": False, "prefetch": False, "honeypot": False, "reasons": []}
        beside["hit"].append({**key, **hit, **flags, "id": mail.ref.message_id, "occurred_at": mail.date})
        if mail.values["mailing_id"]:
            engaged.append(
                {
                    **key,
                    "mailing_id": mail.values["mailing_id"],
                    "opened": True,
                    "opened_unsure": False,
                    "machine_only": False,
                    "clicked": True,
                    "unsubscribed": False,
                    "complained": False,
                    "replied": False,
                }
            )


async def _insert(connection: Any, table: str, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    names = ", ".join(rows[0])
    places = ", ".join(f"${number}" for number in range(1, len(rows[0]) + 1))
    await connection.executemany(
        f"insert into {table} ({names}) values ({places})",  # noqa: S608 - names are the tests' own
        [list(row.values()) for row in rows],
    )
