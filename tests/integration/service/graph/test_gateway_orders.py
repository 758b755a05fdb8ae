"""A person's orders to the gateway through GraphQL: what they do, what they show, what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.builders import insert
from tests.integration.service.graph.test_mutation import MakeContext, call, refusals

SHOWN = """{ gateway {
  relays { name usable pausedUntil pausedWhy pausedBy perMinute perDay capToday warmUpStart warmUpFactor warmUpSince
           limitSource limitedBy events { kind by until response } }
  destinations { domain pausedWhy pausedBy pausedUntil events { kind by relay } } } userErrors { code field } }"""
UNTIL = "2099-01-01T00:00:00Z"


async def order(make_context: MakeContext, mutation: str, values: str) -> Any:
    return await call(make_context(actor="Kim"), f"mutation {{ {mutation}(input: {{{values}}}) {SHOWN} }}")


async def test_a_pause_and_a_limit_are_shown_with_who_and_why(pool: Any, make_context: MakeContext) -> None:
    await insert(pool, "relay", name="main")
    paused = await order(make_context, "pauseRelay", 'name: "main", why: "They move."')
    [relay] = paused["gateway"]["relays"]
    assert (relay["usable"], relay["pausedUntil"], relay["pausedWhy"], relay["pausedBy"]) == (
        False, None, "They move.", "Kim",
    )  # fmt: skip
    limited = await order(make_context, "setRelayLimit", 'name: "main", perMinute: 60, perDay: 900, warmUpStart: 50')
    [relay] = limited["gateway"]["relays"]
    assert {key: relay[key] for key in ("perMinute", "perDay", "capToday", "warmUpStart", "warmUpFactor")} == {
        "perMinute": 60.0, "perDay": 900, "capToday": 50, "warmUpStart": 50, "warmUpFactor": 2.0,
    }  # fmt: skip
    assert relay["warmUpSince"].endswith("T00:00:00+00:00")
    assert (relay["limitSource"], relay["limitedBy"]) == ("PERSON", "Kim")
    assert [(event["kind"], event["by"]) for event in relay["events"]] == [("LIMITED", "Kim"), ("PAUSED", "Kim")]
    back = await order(make_context, "setRelayLimit", 'name: "main", asConfigured: true')
    assert back["gateway"]["relays"][0]["limitSource"] == "RELAY_URL"
    resumed = await order(make_context, "resumeRelay", 'name: "main"')
    assert (resumed["gateway"]["relays"][0]["usable"], resumed["gateway"]["relays"][0]["pausedBy"]) == (True, None)


async def test_a_paused_domain_is_shown_with_who_and_why(make_context: MakeContext) -> None:
    paused = await order(make_context, "pauseDestination", 'domain: "Slow.Example", why: "Asked to."')
    assert paused["gateway"]["destinations"] == [
        {
            "domain": "slow.example",
            "pausedWhy": "Asked to.",
            "pausedBy": "Kim",
            "pausedUntil": None,
            "events": [{"kind": "PAUSED", "by": "Kim", "relay": None}],
        }
    ]
    resumed = await order(make_context, "resumeDestination", 'domain: "slow.example"')
    assert resumed["gateway"]["destinations"] == []


async def test_the_warm_up_of_a_domain_is_shown_as_it_was_set(make_context: MakeContext) -> None:
    shown = "{ gateway { destinations { warmUpStart warmUpFactor warmUpSince capToday } } userErrors { code } }"
    limit = '{domain: "new.example", warmUpStart: 50, warmUpFactor: 1.5}'
    payload = await call(make_context(), f"mutation {{ setDestinationLimit(input: {limit}) {shown} }}")
    [domain] = payload["gateway"]["destinations"]
    assert (domain["warmUpStart"], domain["warmUpFactor"], domain["capToday"]) == (50, 1.5, 50)
    assert domain["warmUpSince"].endswith("T00:00:00+00:00")


async def test_a_resumed_domain_stays_where_it_has_limits(make_context: MakeContext) -> None:
    await order(make_context, "setDestinationLimit", 'domain: "slow.example", perDay: 900')
    await order(make_context, "pauseDestination", 'domain: "slow.example", why: "Asked to."')
    resumed = await order(make_context, "resumeDestination", 'domain: "slow.example"')
    assert [(one["domain"], one["pausedWhy"]) for one in resumed["gateway"]["destinations"]] == [("slow.example", None)]


async def test_a_domain_whose_pause_is_over_is_not_among_the_paused(pool: Any, make_context: MakeContext) -> None:
    past = datetime(2026, 1, 1, tzinfo=UTC)
    await insert(pool, "destination", domain="was.example", person_paused_until=past, person_paused_why="Then.",
                 person_paused_by="Kim")  # fmt: skip
    await insert(pool, "destination", domain="limited.example", per_day=9, paused_until=past, paused_why="Slow then.")
    payload = await order(make_context, "setDestinationLimit", 'domain: "other.example", perDay: 5')
    shown = [(one["domain"], one["pausedWhy"], one["pausedUntil"]) for one in payload["gateway"]["destinations"]]
    assert shown == [("limited.example", None, None), ("other.example", None, None)]


async def test_a_relay_is_resumed_by_the_name_it_was_paused_by_and_by_the_older_one(
    pool: Any, make_context: MakeContext
) -> None:
    await insert(pool, "relay", name="main")
    for name in ('name: "main"', 'relay: "main"', 'name: "main", relay: "main"'):
        await order(make_context, "pauseRelay", 'name: "main", why: "They move."')
        resumed = await order(make_context, "resumeRelay", name)
        assert resumed["gateway"]["relays"][0]["usable"], name
    for values, wrong in (
        ("", ("REQUIRED", "name")),
        ('name: "main", relay: "other"', ("INVALID", "relay")),
        ('name: "other"', ("NOT_FOUND", "name")),
    ):
        assert refusals(await order(make_context, "resumeRelay", values)) == [wrong]


async def test_all_faults_of_an_order_come_together(make_context: MakeContext) -> None:
    past = 'until: "2020-01-01T00:00:00Z", why: " "'
    for mutation, values, wrong in (
        ("pauseRelay", f'name: "x", {past}', [("NOT_FOUND", "name"), ("INVALID", "until"), ("REQUIRED", "why")]),
        (
            "pauseDestination", f'domain: "x", until: "{UNTIL}", why: "x"',
            [("INVALID", "domain"), ("INVALID", "until")],
        ),
        (
            "setRelayLimit", 'name: "x", perMinute: 0, perDay: -1, warmUpFactor: 3',
            [("NOT_FOUND", "name"), ("INVALID", "perMinute"), ("INVALID", "perDay"), ("INVALID", "warmUpFactor")],
        ),
    ):  # fmt: skip
        payload = await order(make_context, mutation, values)
        assert payload["gateway"] is None
        assert refusals(payload) == wrong
