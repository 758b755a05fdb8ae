"""A person's orders to the gateway through GraphQL: what they do, what they show, what is refused."""

from __future__ import annotations

from typing import Any

from tests.builders import insert
from tests.integration.service.graph.test_mutation import MakeContext, call, refusals

SHOWN = """{ gateway {
  relays { name usable pausedUntil pausedWhy pausedBy perMinute perDay capToday warmUpStart warmUpFactor
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
    assert (relay["limitSource"], relay["limitedBy"]) == ("PERSON", "Kim")
    assert [(event["kind"], event["by"]) for event in relay["events"]] == [("LIMITED", "Kim"), ("PAUSED", "Kim")]
    back = await order(make_context, "setRelayLimit", 'name: "main", asConfigured: true')
    assert back["gateway"]["relays"][0]["limitSource"] == "RELAY_URL"
    resumed = await order(make_context, "resumeRelay", 'relay: "main"')
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
    assert resumed["gateway"]["destinations"][0]["pausedWhy"] is None


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
