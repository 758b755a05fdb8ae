"""`GET /metrics`: this process's metrics for Prometheus, with a token. Counts only, no personal data.

Each worker counts for itself: with several, a response has the counts of the worker that served it.
"""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from service.errors import Busy, RequestRefused


async def metrics(request: Request) -> Response:
    """The text format; 401 without a token, 503 when the token cannot be checked because the database is down."""
    try:
        await request.app.state.resources.authenticator.caller(request)
    except RequestRefused as refused:
        return PlainTextResponse(f"{refused}\n", status_code=refused.status, headers=refused.headers)
    except Busy as busy:
        return PlainTextResponse(f"{busy}\n", status_code=503, headers={"Retry-After": str(busy.retry_after_seconds)})
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})
