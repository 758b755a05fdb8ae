"""Our errors as HTTP responses, for the endpoints beside `/graphql`: in JSON, as GraphQL has them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response

from service.errors import Busy, RequestRefused

Endpoint = Callable[[Request], Awaitable[Response]]


def with_json_errors(endpoint: Endpoint) -> Endpoint:
    """Returns the endpoint, with RequestRefused and Busy turned into responses."""

    async def respond(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (RequestRefused, Busy) as error:
            return json_error(error)

    return respond


def json_error(error: RequestRefused | Busy) -> Response:
    """Returns `{"errors": [{"message", "extensions"}]}` with the error's status; 503 with Retry-After for Busy."""
    if isinstance(error, RequestRefused):
        status, headers = error.status, error.headers
    else:
        status, headers = 503, {"Retry-After": str(error.retry_after_seconds)}
    body = orjson.dumps({"errors": [{"message": error.message, "extensions": error.extensions}]})
    return Response(
        body, status_code=status, media_type="application/json", headers={"Cache-Control": "no-store", **headers}
    )
