"""The balancer of the failover proof: whose requests it ends."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from tests.proof.failover import load
from tests.proof.failover.load import Balancer, MarkedDown

ONE, OTHER = "http://one:8000", "http://other:8000"


@pytest.fixture
def ready() -> dict[str, bool]:
    return {"one": True, "other": True}


@pytest.fixture
def balancer(monkeypatch: pytest.MonkeyPatch, ready: dict[str, bool]) -> Balancer:
    """Before two services, which are as ready as the test says."""

    async def is_ready(service: Any) -> bool:
        return ready[service.address]

    monkeypatch.setattr(load, "is_ready", is_ready)
    monkeypatch.setattr(load, "LOOK_SECONDS", 0)
    world: Any = SimpleNamespace(services=[SimpleNamespace(address=one) for one in ready])
    return Balancer(world)


async def ask(balancer: Balancer, url: str, answered: asyncio.Event, seconds: float = 600) -> str:
    """What becomes of a request."""
    try:
        async with balancer.asking(url, seconds):
            await answered.wait()
    except (TimeoutError, MarkedDown) as error:
        return type(error).__name__
    return "answered"


async def test_what_a_frozen_service_has_not_answered_is_asked_elsewhere_at_once(
    balancer: Balancer, ready: dict[str, bool]
) -> None:
    # Given requests to two services
    answered, looking = asyncio.Event(), asyncio.create_task(balancer.run())
    asked = [asyncio.create_task(ask(balancer, url, answered)) for url in (ONE, ONE, OTHER)]
    await asyncio.sleep(0)
    # When one is ready no longer
    ready["one"] = False
    # Then its requests end, the other's goes on, and that one alone is asked
    assert await asyncio.gather(*asked[:2]) == ["MarkedDown", "MarkedDown"]
    assert {balancer.next() for _ in range(4)} == {OTHER}
    # And where none is ready all are asked, whose requests nobody ends
    ready["other"] = False
    assert await asked[2] == "MarkedDown"
    assert {balancer.next() for _ in range(4)} == {ONE, OTHER}
    last = asyncio.create_task(ask(balancer, ONE, answered))
    await asyncio.sleep(0)
    answered.set()
    assert await last == "answered"
    looking.cancel()
    await asyncio.wait([looking])


async def test_a_request_has_its_time(balancer: Balancer) -> None:
    assert await ask(balancer, ONE, asyncio.Event(), seconds=0.01) == "TimeoutError"
