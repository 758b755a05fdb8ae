"""An address that a person types: what speaks against it before it is used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from gateway.settings import Settings
from tests.dns_server import DnsZone, dns_server
from tests.integration.service.graph.test_template import ask

CHECK = "query($address: String!) { checkAddress(address: $address) { warnings { kind text address } } }"


@pytest.fixture
async def zone() -> AsyncIterator[tuple[DnsZone, Any]]:
    records = {
        "fabrikam.com MX": ["10 mx.fabrikam.com."],
        "contoso.com A": ["198.41.0.4"],
        "silent.contoso.com MX": ["0 ."],
    }
    async with dns_server(records) as served:
        yield served


@pytest.fixture
def settings(settings: Settings, zone: tuple[DnsZone, Any]) -> Settings:
    """The gateway's settings, with the test's DNS server."""
    return settings.model_copy(update={"dns_servers": (zone[1],)})


@pytest.mark.parametrize("address", ["ann@fabrikam.com", "ann@contoso.com", "ann@nowhere.example"])
async def test_nothing_speaks_against_a_domain_that_takes_mail(client: httpx.AsyncClient, address: str) -> None:
    # By its MX, by its address, or because its name is reserved for tests
    assert await ask(client, CHECK, address=address) == {"warnings": []}


@pytest.mark.parametrize("address", ["ann@nothing-of-the-kind.com", "ann@silent.contoso.com"])
async def test_a_domain_for_which_nobody_takes_mail_is_warned_of(client: httpx.AsyncClient, address: str) -> None:
    [warning] = (await ask(client, CHECK, address=address))["warnings"]
    assert (warning["kind"], warning["address"]) == ("NO_MAIL_SERVER", None)
    assert address.partition("@")[2] in warning["text"]


async def test_nothing_is_said_where_dns_says_nothing(client: httpx.AsyncClient, zone: tuple[DnsZone, Any]) -> None:
    zone[0].failing.add("broken.com")
    assert await ask(client, CHECK, address="ann@broken.com") == {"warnings": []}


async def test_a_domain_like_a_large_providers_is_taken_for_mistyped(
    client: httpx.AsyncClient, zone: tuple[DnsZone, Any]
) -> None:
    [warning] = (await ask(client, CHECK, address="Ann@gmial.com"))["warnings"]
    assert (warning["kind"], warning["address"]) == ("TYPO", "Ann@gmail.com")
    assert zone[0].asked == []


async def test_what_is_no_address_is_refused(client: httpx.AsyncClient) -> None:
    body = (await client.post("/graphql", json={"query": CHECK, "variables": {"address": "ann"}})).json()
    assert body["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "argument": "address"}
