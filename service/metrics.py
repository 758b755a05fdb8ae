"""`GET /metrics`: what Prometheus sees of this process, for whoever has a token. Counts only, nothing personal.

With several workers each has counts of its own, and an answer is that worker's who took the request.
"""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from service.errors import Busy, RequestRefused


async def metrics(request: Request) -> Response:
    """The text format; 401 without a token, 503 when the database that knows tokens is away."""
    try:
        await request.app.state.resources.authenticator.caller(request)
    except RequestRefused as refused:
        return PlainTextResponse(f"{refused}\n", status_code=refused.status, headers=refused.headers)
    except Busy as busy:
        return PlainTextResponse(f"{busy}\n", status_code=503, headers={"Retry-After": str(busy.retry_after_seconds)})
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})
