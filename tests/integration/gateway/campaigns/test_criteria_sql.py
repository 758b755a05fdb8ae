"""Criteria as SQL: every fragment is understood, an index serves where there is one, and any criteria find exactly the
customers that a plain reading of them in Python finds."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gateway.campaigns.criteria import (
    MAX_MAIL_RULES,
    AttributeRule,
    Contains,
    Criteria,
    CustomerField,
    FieldRule,
    IsOneOf,
    IsSet,
    IsTrue,
    MailHappening,
    MailRule,
    MemberRule,
    NumberRange,
    OptOutRule,
    Rule,
    Span,
    StartsWith,
    TagRule,
    WithinDays,
    read_criteria,
)
from gateway.campaigns.criteria_sql import FRAGMENTS, Filling, compile_criteria
from gateway.mail.address import address_key
from gateway.mail.choice import OptOutKind
from gateway.mail.source import SourceType
from service.graph.search_patterns import folded
from tests.builders import KEYRING, insert, make_campaign, make_customer, make_hit, make_message
from tests.examples import examples

NAMES = ["Ana Élan", "ana elan", "Bob O'Brien", "Straße 7", "STRASSE 7", "100% wool", "under_score", None]
LOCALES = ["en", "en-GB", "de", None]
ZONES = ["Europe/Berlin", "UTC", None]
DOMAINS = ["shop.example", "xn--mller-kva.example"]
TAGS = ["vip", "gold", "Gold", "a b"]
VALUES: dict[str, list[Any]] = {
    "city": ["Berlin", "berlin", "Bürlin", "", 7, True],
    "orders": [0, 3, 2.5, -1, 30, "3", False],
    "vip": [True, False, "true", 1],
}
PARTS = ["ana", "BER", "élan", "%", "_", "ss", "o'b", "example", "c-1", "7"]
LISTS, CAMPAIGNS = 3, 2
BOUNCED_AFTER = 2.0
"""Days."""
STATUSES = ["QUEUED", "ACCEPTED", "BOUNCED", "BOUNCED", "REFUSED", "HELD"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """A message as the model sees it: moments in days before the evaluation."""

    made: float
    status: str
    source_type: SourceType | None
    campaign_id: UUID | None
    internal: bool = False
    hits: list[tuple[str, str, bool, float]] = field(default_factory=list)
    answers: list[tuple[bool, float]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A customer as the model sees it."""

    id: int
    name: str | None
    external_ref: str
    domain: str | None
    locale: str | None
    time_zone: str | None
    tags: list[str]
    attributes: dict[str, Any]
    erased: bool
    opt_outs: set[str]
    lists: set[int]
    mails: list[Mail]


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """All customers, the moment that days count back from, and what criteria may name."""

    people: list[Person]
    now: datetime
    lists: list[int]
    campaigns: list[UUID]

    def before(self, days: float) -> datetime:
        return self.now - timedelta(days=days)


# The model -------------------------------------------------------------------------------------------------------


def meets(person: Person, criteria: Criteria, world: World) -> bool:
    return not person.erased and all(any(holds(person, rule, world) for rule in group) for group in criteria.groups)


def holds(person: Person, rule: Rule, world: World) -> bool:
    return rule.negated != _holds(person, rule, world)


def _holds(person: Person, rule: Rule, world: World) -> bool:
    match rule:
        case FieldRule():
            return compares(getattr(person, rule.field.value.lower()), rule.match)
        case AttributeRule():
            return compares_attribute(person.attributes.get(rule.name), rule.match, world)
        case TagRule():
            return bool(set(rule.tags) & set(person.tags))
        case MemberRule():
            return rule.list_id in person.lists
        case OptOutRule():
            return rule.kind in person.opt_outs
        case MailRule():
            return sum(happened(mail, rule, world) for mail in person.mails) >= rule.times


def compares(text: str | None, match: Any) -> bool:
    if isinstance(match, IsSet):
        return (text is not None) == match.wanted
    if text is None:
        return False
    if isinstance(match, IsOneOf):
        return folded(text) in {folded(one) for one in match.texts}
    if isinstance(match, StartsWith):
        return folded(text).startswith(folded(match.text))
    assert isinstance(match, Contains)
    return folded(match.text) in folded(text)


def compares_attribute(value: Any, match: Any, world: World) -> bool:
    match match:
        case NumberRange():
            if isinstance(value, bool) or not isinstance(value, int | float):
                return False
            number = Decimal(str(value))
            return (match.at_least is None or number >= match.at_least) and (
                match.at_most is None or number <= match.at_most
            )
        case IsTrue():
            return value is match.wanted
        case WithinDays() | Span():
            moment = moment_of(value)
            return moment is not None and is_within(moment, match, world)
        case _:
            return compares(value if isinstance(value, str) else None, match)


def moment_of(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


FAR = datetime(9999, 1, 1, tzinfo=UTC)


def within(when: Any, world: World) -> tuple[datetime, datetime]:
    if isinstance(when, WithinDays):
        return world.before(when.days), world.now
    return when.since or world.before(100_000), when.until or FAR


def is_within(moment: datetime, when: Any, world: World) -> bool:
    if when is None:
        return True
    since, until = within(when, world)
    return since <= moment < until


def happened(mail: Mail, rule: MailRule, world: World) -> bool:
    if mail.internal or (rule.source_types is not None and mail.source_type not in rule.source_types):
        return False
    if rule.campaign_ids is not None and mail.campaign_id not in rule.campaign_ids:
        return False
    return any(is_within(world.before(days), rule.when, world) for days in moments(mail, rule.happened))


def moments(mail: Mail, what: MailHappening) -> Iterator[float]:
    """When it happened to this mail, in days ago: the message is decided a tenth of a day after it is made."""
    if what is MailHappening.MAILED:
        yield mail.made
    elif what is MailHappening.ACCEPTED and mail.status in ("ACCEPTED", "BOUNCED"):
        yield mail.made - 0.1
    elif what is MailHappening.FAILED and mail.status in ("REFUSED", "BOUNCED"):
        yield mail.made - (BOUNCED_AFTER if mail.status == "BOUNCED" else 0.1)
    elif what is MailHappening.REPLIED:
        yield from (days for automatic, days in mail.answers if not automatic)
    for kind, verdict, judged, days in mail.hits:
        if judged and verdict != "MACHINE":
            if what is MailHappening.OPENED and (verdict == "HUMAN" or kind == "OPEN"):
                yield days
            if what is MailHappening.CLICKED and kind == "CLICK":
                yield days


# The customers ---------------------------------------------------------------------------------------------------


async def populate(connection: Any, *, seed: int = 13, count: int = 60) -> World:
    """Customers of every kind, the same for a seed."""
    dice = random.Random(seed)
    now = await connection.fetchval("select date_trunc('milliseconds', now())")
    lists = [
        (await insert(connection, "customer_list", name=f"List {number}", kind="FIXED", actor="test"))["id"]
        for number in range(LISTS)
    ]
    campaigns = [await make_campaign(connection) for _ in range(CAMPAIGNS)]
    world = World(people=[], now=now, lists=lists, campaigns=campaigns)
    for number in range(count):
        world.people.append(await make_person(connection, world, dice, number))
    return world


async def make_person(connection: Any, world: World, dice: random.Random, number: int) -> Person:
    domain = dice.choice([*DOMAINS, None])
    address = None if domain is None else f"p{number}@{domain}"
    moments = [world.before(dice.randrange(9) + 0.5), world.before(2.5).replace(tzinfo=None), world.before(-3.5)]
    dates = [one.isoformat() for one in moments] + ["2026-02-30", "now", "2020-02-29"]
    values = {**VALUES, "since": dates}
    known: dict[str, Any] = {
        "name": dice.choice(NAMES),
        "external_ref": f"C-{number}",
        "locale": dice.choice(LOCALES),
        "time_zone": dice.choice(ZONES),
        "tags": dice.sample(TAGS, dice.randrange(3)),
        "attributes": {name: dice.choice(several) for name, several in values.items() if dice.random() < 0.7},
    }
    erased = dice.random() < 0.05
    customer_id = await make_customer(
        connection,
        addresses=[address, "second@other.example"] if address else [],
        erased_at=world.now if erased else None,
        **known,
    )
    opt_outs = set()
    for kind in OptOutKind:
        if dice.random() < 0.2:
            opt_outs.add(kind.value)
            await insert(connection, "opt_out", customer_id=customer_id, kind=kind, source="STAFF", actor="test")
        elif address and dice.random() < 0.2:
            opt_outs.add(kind.value)
            key = address_key(address, KEYRING.address_key)
            await insert(connection, "address_opt_out", address_key=key, kind=kind, source="LINK", actor="customer")
    joined = set(dice.sample(world.lists, dice.randrange(LISTS)))
    for list_id in joined:
        await insert(connection, "list_member", list_id=list_id, customer_id=customer_id, actor="test")
    free = list(world.campaigns)
    mails = [await make_mail(connection, world, dice, customer_id, free) for _ in range(dice.randrange(5))]
    return Person(id=customer_id, domain=domain, erased=erased, opt_outs=opt_outs, lists=joined, mails=mails, **known)


def key_at(moment: datetime, dice: random.Random) -> UUID:
    """A UUIDv7 of this millisecond."""
    return UUID(int=(round(moment.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | dice.getrandbits(62))


async def make_mail(connection: Any, world: World, dice: random.Random, customer_id: int, free: list[UUID]) -> Mail:
    """`free`: campaigns that have not mailed the customer yet."""
    made = dice.randrange(2, 9) + 0.5
    status = dice.choice(STATUSES)
    internal = dice.random() < 0.1
    campaign_id = free.pop() if free and not internal and dice.random() < 0.5 else None
    source = None if internal else SourceType.CAMPAIGN if campaign_id else dice.choice(list(SourceType)[1:])
    message_id = key_at(world.before(made), dice)
    decided = world.before(made - 0.1)
    await make_message(
        connection, customer_id, id=message_id, status=status, source_type=source, campaign_id=campaign_id,
        internal=internal, mail_date=world.before(made), decided_at=None if status == "QUEUED" else decided,
        sent_at=decided if status in ("ACCEPTED", "BOUNCED") else None,
        bounced_at=world.before(made - BOUNCED_AFTER) if status == "BOUNCED" else None,
    )  # fmt: skip
    mail = Mail(made=made, status=status, source_type=source, campaign_id=campaign_id, internal=internal)
    if internal:
        return mail
    for _ in range(dice.randrange(3)):
        days = max(0.3, made - dice.randrange(3))
        hit = (dice.choice(["OPEN", "CLICK"]), dice.choice(["HUMAN", "MACHINE", "UNKNOWN"]), dice.random() < 0.8, days)
        mail.hits.append(hit)
        await make_hit(
            connection, customer_id, message_id, kind=hit[0], verdict=hit[1], rules_version=1 if hit[2] else 0,
            occurred_at=world.before(days), url="https://shop.example" if hit[0] == "CLICK" else None,
        )  # fmt: skip
    if dice.random() < 0.3:
        automatic, days = dice.random() < 0.4, max(0.3, made - 1)
        mail.answers.append((automatic, days))
        reply = await make_message(
            connection, customer_id, id=key_at(world.before(days), dice), direction="RECEIVED",
            answers_message_id=message_id, mail_date=world.before(days),
        )  # fmt: skip
        await insert(
            connection, "received_mail", customer_id=customer_id, message_id=reply, author="CUSTOMER", body="Yes",
            automatic=automatic,
        )  # fmt: skip
    return mail


# Any criteria ----------------------------------------------------------------------------------------------------


def any_criteria(world: World) -> st.SearchStrategy[dict[str, Any]]:
    """Criteria as JSON, which find somebody and leave somebody out as often as not."""
    group = st.lists(any_rule(world), min_size=1, max_size=3).map(lambda rules: {"anyOf": rules})
    return st.lists(group, min_size=1, max_size=3).map(lambda groups: {"allOf": groups}).filter(_is_cheap)


def _is_cheap(criteria: dict[str, Any]) -> bool:
    return sum("mail" in rule for group in criteria["allOf"] for rule in group["anyOf"]) <= MAX_MAIL_RULES


def any_rule(world: World) -> st.SearchStrategy[dict[str, Any]]:
    texts = st.sampled_from([*(name for name in NAMES if name), "en", "DE", "utc", "shop.example", "c-1", "berlin"])
    parts = st.sampled_from([*PARTS, "example", "europe"])
    text = (
        st.lists(texts, min_size=1, max_size=3).map(lambda several: {"isOneOf": several})
        | parts.map(lambda part: {"startsWith": part})
        | parts.filter(lambda part: sum(sign.isalnum() for sign in part) > 2).map(lambda part: {"contains": part})
        | st.booleans().map(lambda wanted: {"isSet": wanted})
    )
    days = st.integers(1, 9)
    when = days.map(lambda count: {"withinDays": count}) | st.tuples(st.integers(5, 9), st.integers(0, 4)).map(
        lambda ends: {"span": {"since": _iso(world, ends[0]), "until": _iso(world, ends[1])}}
    )
    when |= days.map(lambda count: {"span": {"since": _iso(world, count)}})
    when |= days.map(lambda count: {"span": {"until": _iso(world, count)}})
    number = st.sampled_from(["-1", "0", "2.5", "3", "100"])
    value = (
        text.map(lambda match: {"text": match})
        | number.map(lambda end: {"number": {"atLeast": end}})
        | number.map(lambda end: {"number": {"atMost": end}})
        | st.booleans().map(lambda wanted: {"isTrue": wanted})
        | when.map(lambda match: {"time": match})
    )
    mail = st.fixed_dictionaries(
        {"happened": st.sampled_from([*(one.value for one in MailHappening), "FAILED"]), "times": st.integers(1, 3)},
        optional={
            "when": when,
            "sourceTypes": st.lists(st.sampled_from([one.value for one in SourceType]), min_size=1, max_size=2),
            "campaignIds": st.lists(st.sampled_from([one.hex for one in world.campaigns]), min_size=1, max_size=2),
        },
    )
    rules = {
        "field": st.fixed_dictionaries({"name": st.sampled_from(list(CustomerField)), "matches": _ascii_parts(text)}),
        "attribute": st.fixed_dictionaries({"name": st.sampled_from([*VALUES, "since", "nothing"]), "matches": value}),
        "tag": st.lists(st.sampled_from(TAGS), min_size=1, max_size=2).map(lambda tags: {"isOneOf": tags}),
        "member": st.sampled_from(world.lists).map(lambda list_id: {"listId": list_id}),
        "optOut": st.sampled_from([one.value for one in OptOutKind]).map(lambda kind: {"kind": kind}),
        "mail": mail,
    }
    kinds = [*rules, "mail", "mail"]
    return st.sampled_from(kinds).flatmap(lambda kind: rules[kind].map(_as(kind))).flatmap(_turned)


def _ascii_parts(text: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Of a domain, parts are ASCII: the same for every field."""
    return text.filter(lambda match: "isOneOf" in match or str(*match.values()).isascii())


def _iso(world: World, days: int) -> str:
    return world.before(days).isoformat()


def _as(kind: str) -> Any:
    return lambda rule: {kind: rule}


def _turned(rule: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    [(kind, inner)] = rule.items()
    return st.booleans().map(lambda negated: {kind: inner | {"not": negated}})


@pytest.fixture
async def world(connection: Any) -> World:
    return await populate(connection)


async def found_by(connection: Any, criteria: Criteria) -> list[int]:
    compiled = compile_criteria(criteria, first=2)
    rows = await connection.fetch(
        f"select c.id from customer c where c.id > $1 and {compiled.condition} order by c.id",  # noqa: S608 - fragments
        0,
        *compiled.parameters,
    )
    return [row["id"] for row in rows]


async def test_any_criteria_find_whom_a_plain_reading_finds(connection: Any, world: World) -> None:
    loop, sizes = asyncio.get_running_loop(), []

    @hypothesis_settings(max_examples=examples(60, proof=600))
    @given(any_criteria(world))
    def compare(given_json: dict[str, Any]) -> None:
        criteria = read_criteria(given_json)
        running = asyncio.run_coroutine_threadsafe(found_by(connection, criteria), loop)
        expected = [person.id for person in world.people if meets(person, criteria, world)]
        assert running.result(20) == expected
        sizes.append(len(expected))

    # Given customers of every kind, when any criteria are compiled, then SQL and the model agree
    await asyncio.to_thread(compare)
    # And the criteria tell customers apart
    assert sum(0 < size < len(world.people) for size in sizes) > len(sizes) / 2


# Fragments and indexes -------------------------------------------------------------------------------------------

WHENS = [{"withinDays": 3}, {"span": {"since": "2026-01-01T00:00:00+00:00", "until": "2026-02-01T00:00:00+00:00"}}]
TEXTS = [{"isOneOf": ["a"]}, {"startsWith": "a"}, {"contains": "abc"}, {"isSet": True}]
OF_CAMPAIGN = {"sourceTypes": ["CAMPAIGN"], "campaignIds": ["0" * 32]}
EVERY_RULE: list[dict[str, Any]] = [
    *({"field": {"name": name.value, "matches": match}} for name in CustomerField for match in TEXTS),
    *({"attribute": {"name": "x", "matches": {"text": match}}} for match in TEXTS),
    {"attribute": {"name": "x", "matches": {"number": {"atLeast": "1"}}}},
    {"attribute": {"name": "x", "matches": {"isTrue": True}}},
    *({"attribute": {"name": "x", "matches": {"time": when}}} for when in WHENS),
    {"tag": {"isOneOf": ["a"]}},
    {"member": {"listId": 1}},
    {"optOut": {"kind": "MARKETING"}},
    *(
        {
            "mail": {
                "happened": what.value,
                "when": when,
                "times": times,
                "sourceTypes": ["CAMPAIGN"],
                "campaignIds": ["0" * 32],
            }
        }
        for what in MailHappening
        for when in WHENS
        for times in (1, 2)
    ),
]


def criteria_of(one: dict[str, Any], **more: Any) -> Criteria:
    [(kind, inner)] = one.items()
    return read_criteria({"allOf": [{"anyOf": [{kind: inner | more}]}]})


@pytest.mark.parametrize("negated", [False, True])
async def test_every_rule_is_understood(connection: Any, monkeypatch: pytest.MonkeyPatch, negated: bool) -> None:
    filled: set[str] = set()
    fill = Filling.fill

    def note(self: Filling, name: str, /, *args: Any, **values: Any) -> str:
        filled.add(name)
        return fill(self, name, *args, **values)

    monkeypatch.setattr(Filling, "fill", note)
    for one in EVERY_RULE:
        criteria = criteria_of(one, **{"not": negated})
        assert await found_by(connection, criteria) == []
    # And together they use every fragment but those of whole statements
    whole = {"found", "sampled", "part", "found_by_search", "page", "between", "which_of"}
    assert filled == FRAGMENTS.texts.keys() - whole


def test_no_value_enters_the_text() -> None:
    texts = {compile_criteria(criteria_of(one)).condition for one in EVERY_RULE}
    others = {"a": "b'; drop table customer --", "abc": "xyz", "x": "y"}
    changed = json.loads(
        json.dumps(EVERY_RULE),
        object_hook=lambda found: {key: _other(value, others) for key, value in found.items()},
    )
    assert {compile_criteria(criteria_of(one)).condition for one in changed} == texts


def _other(value: Any, others: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_other(one, others) for one in value]
    return others.get(value, value) if isinstance(value, str) else value


@pytest.fixture
async def grown(connection: Any) -> None:
    """Enough mail and hits that the planner knows how many a customer has."""
    campaign = await make_campaign(connection)
    first = await make_customer(connection)
    message = await make_message(connection, first, campaign_id=campaign, status="ACCEPTED")
    await connection.execute(
        "insert into customer (external_ref) select 'G-' || n from generate_series(1, 300) n;"
        "insert into message (customer_id, campaign_id, mailing_id, occurrence, source_type, status, decided_at,"
        " sent_at, template_version_id, sender_version_id, sender, recipient, subject)"
        " select c.id, m.campaign_id, m.mailing_id, n::text, m.source_type, m.status, m.decided_at, m.sent_at,"
        " m.template_version_id, m.sender_version_id, m.sender, m.recipient, m.subject"
        " from customer c, message m, generate_series(1, 20) n where c.external_ref like 'G-%';"
        "insert into hit (customer_id, message_id, kind, url, verdict, rules_version)"
        " select m.customer_id, m.id, k::hit_kind, case when k = 'CLICK' then 'https://x.example' end, 'HUMAN', 1"
        " from message m, unnest(array['OPEN', 'CLICK']) k; analyze customer, message, hit"
    )
    assert message


@pytest.mark.parametrize(
    ("one", "index"),
    [
        ({"member": {"listId": 1}}, "list_member_"),
        ({"optOut": {"kind": "MARKETING"}}, "opt_out_pkey"),
        ({"field": {"name": "DOMAIN", "matches": {"isSet": True}}}, "customer_address_pkey"),
        ({"mail": {"happened": "MAILED", "when": {"withinDays": 3}}}, "message_pkey"),
        ({"mail": {"happened": "MAILED", "times": 2, "when": {"withinDays": 3}}}, "message_pkey"),
        ({"mail": {"happened": "MAILED", "campaignIds": ["0" * 32]}}, "message_sent_list"),
        ({"mail": {"happened": "ACCEPTED"}}, "message_pkey"),
        ({"mail": {"happened": "FAILED"}}, "message_pkey"),
        ({"mail": {"happened": "OPENED"}}, "hit_pkey"),
        ({"mail": {"happened": "CLICKED"}}, "hit_clicks_of_people"),
        ({"mail": {"happened": "REPLIED"}}, "message_pkey"),
    ],
)
async def test_an_index_serves_each_customer(connection: Any, grown: None, one: dict[str, Any], index: str) -> None:
    # Given the worker's way of planning, for any values, over a range of customers
    condition = compile_criteria(criteria_of(one), first=3).condition
    plan = await plan_of(connection, f"c.id > $1 and c.id <= $2 and {condition}")
    # Then an index finds what is each customer's, and nothing is read as a whole
    assert index in plan
    assert "Seq Scan" not in plan


async def test_an_index_finds_labels(connection: Any, grown: None) -> None:
    plan = await plan_of(connection, compile_criteria(criteria_of({"tag": {"isOneOf": ["a"]}})).condition)
    assert "customer_tags" in plan


async def plan_of(connection: Any, condition: str) -> str:
    statement = f"select c.id from customer c where {condition}"  # noqa: S608 - fragments
    async with connection.transaction():
        await connection.execute("set local enable_seqscan = off; set local plan_cache_mode = force_generic_plan")
        parameters = (await connection.prepare(statement)).get_parameters()
        await connection.execute(f"prepare asked as {statement}")
        rows = await connection.fetch(f"explain execute asked({', '.join(['null'] * len(parameters))})")
    return "\n".join(row[0] for row in rows)
