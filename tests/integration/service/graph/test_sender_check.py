"""Senders over the API: listed by name, and what DNS says of their domain."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from gateway.compose import sender_profiles
from gateway.settings import Settings, parse_relay
from tests.dns_server import DnsZone, dns_server, quoted
from tests.integration.service.graph.test_template import ask

LIST = """query($first: Int!, $after: String) { senders(first: $first, after: $after) {
  nodes { id name from } pageInfo { hasNextPage endCursor } } }"""
CHECK = """query($id: ID!) { checkSender(id: $id) { ready checkedAt sender { name }
  records { kind ok name found wanted advice } } }"""


@pytest.fixture
async def zone() -> AsyncIterator[tuple[DnsZone, Any]]:
    async with dns_server(
        {
            "fabrikam.example TXT": [quoted("v=spf1 ip4:198.41.0.4 -all")],
            "fabrikam.example MX": ["10 mx.fabrikam.example."],
            "_dmarc.fabrikam.example TXT": [quoted("v=DMARC1; p=reject")],
        }
    ) as served:
        yield served


@pytest.fixture
def settings(settings: Settings, zone: tuple[DnsZone, Any]) -> Settings:
    """The gateway's settings, with the test's DNS server."""
    relays = (parse_relay("smtp://198.41.0.4"),)
    return settings.model_copy(update={"dns_servers": (zone[1],), "relay_url": relays, "bounce_domain": None})


async def test_senders_are_listed_by_name(client: httpx.AsyncClient, connection: Any) -> None:
    for name in ("Sales", "Office", "Team"):
        await sender_profiles.create(connection, name=name, from_address=f"{name.lower()}@fabrikam.example")
    first = await ask(client, LIST, first=2, after=None)
    assert [one["name"] for one in first["nodes"]] == ["Office", "Sales"]
    rest = await ask(client, LIST, first=2, after=first["pageInfo"]["endCursor"])
    assert ([one["name"] for one in rest["nodes"]], rest["pageInfo"]["hasNextPage"]) == (["Team"], False)


async def test_a_sender_is_checked(client: httpx.AsyncClient, connection: Any) -> None:
    # Given a sender whose domain has everything but a key
    made = await sender_profiles.create(connection, name="Office", from_address="office@fabrikam.example")
    # When it is checked
    found = await ask(client, CHECK, id=f"Sender_{made.sender_id.hex}")
    # Then it is not ready, and the key is what is wrong
    assert (found["ready"], found["sender"]) == (False, {"name": "Office"})
    assert [(one["kind"], one["ok"]) for one in found["records"]] == [
        ("SPF", True),
        ("DKIM", False),
        ("DMARC", True),
        ("RETURN_PATH", True),
    ]


async def test_who_is_no_sender_is_not_checked(client: httpx.AsyncClient, zone: tuple[DnsZone, Any]) -> None:
    assert await ask(client, CHECK, id=f"Sender_{'0' * 32}") is None
    for text in ("Template_1", "x"):
        body = (await client.post("/graphql", json={"query": CHECK, "variables": {"id": text}})).json()
        assert body["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "argument": "id"}
    assert zone[0].asked == []


async def test_a_check_has_its_price(client: httpx.AsyncClient) -> None:
    # Given as many checks in one operation as cost more than an operation may
    aliases = " ".join(f'a{number}: checkSender(id: "x") {{ ready }}' for number in range(41))
    body = (await client.post("/graphql", json={"query": f"{{ {aliases} }}"})).json()
    assert "data" not in body or body["data"] is None
    assert body["errors"]
