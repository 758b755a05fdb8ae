"""`/graphiql`, when the setting is on: a page to try queries, made of three small files of our own.

GraphiQL's own bundle is larger than this whole service; these files have its main functions, and load nothing from
another origin.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.http.page_files import MEDIA_TYPES, PageFile
from service.security import page_policy

_ASSETS = ("graphiql.js", "graphiql.css")
_FILES = Path(__file__).parents[1] / "graphiql"


def routes() -> list[Route]:
    """Returns the routes of the page, its script and its stylesheet."""
    return [Route("/graphiql", _serve("index.html")), *(Route(f"/graphiql/{name}", _serve(name)) for name in _ASSETS)]


def _serve(name: str) -> Callable[[Request], Awaitable[Response]]:
    path = _FILES / name
    file = PageFile.of(path.read_bytes(), MEDIA_TYPES[path.suffix])

    async def respond(request: Request) -> Response:
        return file.respond(request, {"Content-Security-Policy": page_policy(), "Cache-Control": "no-cache"})

    return respond
