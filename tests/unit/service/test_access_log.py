"""A line and a metric for every request, without anything of a person's."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket

from service.access_log import AccessLog, note_operation
from service.metrics import REGISTRY


class Clock:
    """A clock that moves a quarter of a second with every look."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 0.25
        return self.now


async def probe(_: Request) -> Response:
    return PlainTextResponse("ok")


async def follow(request: Request) -> Response:
    return PlainTextResponse("", status_code=302)


async def graphql(request: Request) -> Response:
    note_operation(request.scope, request.headers.get("operation"))
    return PlainTextResponse("{}")


async def fail(_: Request) -> Response:
    raise ValueError("no mail for ann@customer.example")


async def stream(_: Request) -> Response:
    async def parts() -> AsyncIterator[str]:
        yield "one"
        yield "two"

    return StreamingResponse(parts())


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


ROUTES = [
    Route("/readyz", probe),
    Route("/c/{token}/{rest:path}", follow),
    Route("/graphql", graphql, methods=["POST"]),
    WebSocketRoute("/graphql", talk),
    Route("/fail", fail),
    Route("/stream", stream),
]


def application() -> Starlette:
    """An application of these routes with the log around it."""
    app = Starlette(routes=ROUTES)
    app.add_middleware(AccessLog, routes=ROUTES, clock=Clock())
    return app


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://mail.example") as made:
        yield made


@pytest.fixture(autouse=True)
def _log_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "service.access")


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The fields of the lines so far."""
    return [record.__dict__["fields"] for record in caplog.records if record.name == "service.access"]


def counted(name: str, **labels: str) -> float:
    """A metric as a scrape would find it."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_a_line_names_the_route_and_nothing_of_the_address(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    before = counted("http_requests_total", method="GET", route="/c/{token}/{rest}", status="302")
    await http.get("/c/k1-secret/shop?customer=ann%40customer.example", headers={"Authorization": "Bearer secret"})
    assert lines(caplog) == [
        {"method": "GET", "route": "/c/{token}/{rest}", "status": 302, "duration_ms": 500.0},
    ]
    assert not any(word in caplog.text for word in ("secret", "ann", "shop"))
    assert counted("http_requests_total", method="GET", route="/c/{token}/{rest}", status="302") == before + 1


async def test_a_graphql_request_has_its_operations_name(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    await http.post("/graphql", headers={"operation": "History"})
    await http.post("/graphql", headers={"operation": "H" * 1000})
    await http.post("/graphql")
    assert [line["operation"] for line in lines(caplog)] == ["History", "H" * 100, "unnamed"]


async def test_whatever_is_asked_has_a_label_of_a_closed_set(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    await http.get("/nowhere/ann@customer.example")
    await http.request("ANN", "/readyz")
    await http.get("/graphql")
    assert [(line["method"], line["route"], line["status"]) for line in lines(caplog)] == [
        ("GET", "none", 404),
        ("other", "/readyz", 405),
        ("GET", "/graphql", 405),
    ]


async def test_a_fault_is_500_in_its_line_and_metric(http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    before = counted("http_requests_total", method="GET", route="/fail", status="500")
    assert (await http.get("/fail")).status_code == 500
    assert lines(caplog)[-1]["status"] == 500
    assert counted("http_requests_total", method="GET", route="/fail", status="500") == before + 1


async def test_the_time_of_a_stream_in_the_metric_is_until_it_begins(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    before = counted("http_request_seconds_sum", route="/stream")
    await http.get("/stream")
    assert lines(caplog)[-1]["duration_ms"] == 500.0
    assert counted("http_request_seconds_sum", route="/stream") == before + 0.25


async def test_a_probe_that_is_answered_well_writes_no_line(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    before = counted("http_requests_total", method="GET", route="/readyz", status="200")
    await http.get("/readyz")
    assert lines(caplog) == []
    assert counted("http_requests_total", method="GET", route="/readyz", status="200") == before + 1


async def test_a_client_that_went_away_has_a_status_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    async def respond_with_nothing(*_: Any) -> None:
        return

    nothing: Any = None
    await AccessLog(respond_with_nothing, routes=())({"type": "http", "method": "POST"}, nothing, nothing)
    assert lines(caplog)[-1]["status"] == 499


async def test_a_websocket_has_a_line_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    sent: list[str] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message["type"])

    scope = {"type": "websocket", "path": "/graphql", "headers": [], "subprotocols": []}
    await application()(scope, receive, send)
    assert sent == ["websocket.accept", "websocket.close"]
    assert [(line["method"], line["route"]) for line in lines(caplog)] == [("WEBSOCKET", "/graphql")]
