"""`/graphiql`, where the setting allows it: a page to try queries, of three small files of our own.

GraphiQL's own bundle is larger than this whole service; these files show what it is used for most, and load nothing
from another origin.
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
    """The page, and its script and stylesheet."""
    return [Route("/graphiql", _serve("index.html")), *(Route(f"/graphiql/{name}", _serve(name)) for name in _ASSETS)]


def _serve(name: str) -> Callable[[Request], Awaitable[Response]]:
    path = _FILES / name
    file = PageFile.of(path.read_bytes(), MEDIA_TYPES[path.suffix])

    async def answer(request: Request) -> Response:
        return file.answer(request, {"Content-Security-Policy": page_policy(), "Cache-Control": "no-cache"})

    return answer
