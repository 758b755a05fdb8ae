"""`/healthz` while calls that would once have stopped the process are served, beside an idle process."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import orjson

from tests.bench.history import HttpClient, Load, make_token, servers, service_environment, serving
from tests.bench.rows import Row, Size, bench
from tests.bench.tracking import p99
from tests.launching import free_port

PROBES = 50
"""Probes a second."""
GOAL_SECONDS = 0.2
CALLERS = 4
"""Adversarial calls at a time."""
FOOTER = '<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'
PAGES = {
    "hyphens": "<p>" + "1-" * 250_000,
    "siblings": f"<style>{''.join(f'p:nth-child({n} n) ~ p ~ p ~ p b {{}}' for n in range(1499))}</style>"
    + "<p>x</p>" * 6000,
    "selector": f"<style>{'a ' * 100_000} {{ color: red }}</style><p>x</p>",
    "attributes": f"<p {' '.join(f'a{n}=1' for n in range(40_000))}>x</p>",
    "digits": "<p>" + "4111 1111 " * 45_000,
}


async def call(client: HttpClient, load: Load, mutation: str, **given: Any) -> Any:
    """Runs one mutation; returns its payload."""
    kind = mutation[0].upper() + mutation[1:]
    selection = {
        "createTemplate": "template { id }",
        "createSender": "sender { id }",
        "upsertCustomers": "customers { id }",
    }.get(mutation, "")
    query = f"mutation($i: {kind}Input!) {{ {mutation}(input: $i) {{ {selection} userErrors {{ code }} }} }}"
    answer = orjson.loads(await client.request(load.query(query, i=given)))
    return answer["data"][mutation]


async def adversarial(client: HttpClient, load: Load) -> Iterator[tuple[str, dict[str, Any]]]:
    """Makes 60 customers, a sender and a template; returns calls of every kind of the set, for ever."""
    made = await call(
        client,
        load,
        "upsertCustomers",
        customers=[{"externalRef": f"C{n}", "name": "Ann", "addresses": [f"c{n}@b.example"]} for n in range(60)],
    )
    customers = [one["id"] for one in made["customers"]]
    sender = await call(
        client, load, "createSender", name="News", fromAddress="news@b.example", postalAddress="1 Main Street"
    )
    template = await call(
        client, load, "createTemplate", name="News", subject="News", html="<p>{{ a }}{{ b }} " * 20 + FOOTER
    )
    recipients = [{"customerId": one, "mergeData": {"a": "-" * 10_000, "b": "-"}} for one in customers]
    letter = {"customerId": customers[0], "documentKind": "PROPOSAL", "title": "Offer"}
    letter |= {"portalUrl": "https://b.example/", "expiresAt": "2990-01-01T00:00:00Z", "body": "-" * 50_000}
    campaign = {"title": "News", "templateId": template["template"]["id"], "recipients": recipients}
    campaign |= {"senderId": sender["sender"]["id"]}
    pages = [("createTemplate", {"name": name, "subject": "x", "html": html + FOOTER}) for name, html in PAGES.items()]
    return itertools.cycle([("sendESignatureEmail", letter), ("createCampaign", campaign), *pages])


async def probe(client: HttpClient, seconds: float) -> list[float]:
    """Asks for `/healthz` at a steady rate; returns how long after each was due its answer came, in seconds."""
    request = b"GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n"
    times: list[float] = []
    begun = time.perf_counter()
    for number in range(int(seconds * PROBES)):
        due = begun + number / PROBES
        await asyncio.sleep(max(0, due - time.perf_counter()))
        await client.request(request)
        times.append(time.perf_counter() - due)
    return times


@bench("responsiveness")
async def responsiveness(size: Size) -> Row:
    """The 99th percentile of `/healthz`, idle and beside four callers of the adversarial set."""
    seconds = size.seconds / 3
    with servers() as (database, redis):
        port, token = free_port(), await make_token(database)
        load = Load(port, token)
        environment = service_environment(database, redis, port) | {"ALLOW_RESERVED_DOMAINS": "true"}
        async with serving(["-m", "service"], environment, port):
            connect = asyncio.get_running_loop().create_connection
            _, prober = await connect(HttpClient, "127.0.0.1", port)
            await probe(prober, 1.0)
            idle = await probe(prober, seconds / 2)
            callers = [(await connect(HttpClient, "127.0.0.1", port))[1] for _ in range(CALLERS)]
            calls = await adversarial(callers[0], load)
            served = 0

            async def work(client: HttpClient) -> None:
                nonlocal served
                for mutation, given in calls:
                    key = {} if mutation == "createTemplate" else {"idempotencyKey": uuid4().hex}
                    await call(client, load, mutation, **given, **key)
                    served += 1

            working = [asyncio.create_task(work(client)) for client in callers]
            times = await probe(prober, seconds)
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            for client in (prober, *callers):
                client.close()
    slow = p99(times)
    return Row(
        name="responsiveness",
        value=slow * 1000,
        unit="ms",
        ceiling=p99(idle) * 1000,
        goal=GOAL_SECONDS * 1000,
        met=slow < GOAL_SECONDS,
        note=f"/healthz, p99, beside {served} adversarial calls, {max(times) * 1000:.0f} ms at most; "
        "goal: below; ceiling: the same process idle",
    )
