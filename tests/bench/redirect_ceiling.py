"""The ceiling of a click: an ASGI application that returns 302 and does nothing else, on the same server."""

from __future__ import annotations

import os
from typing import Any

import uvicorn

HEAD = [(b"location", b"https://shop.example/"), (b"cache-control", b"no-store"), (b"content-length", b"0")]


async def redirect(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Returns 302 for any request."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 302, "headers": HEAD})
        await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    uvicorn.run(redirect, host="127.0.0.1", port=int(os.environ["PORT"]), log_config=None, lifespan="off")
