"""`/graphiql`, when the setting is on: GraphiQL as it is published, from our own files; nothing is loaded elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.http.page_files import MEDIA_TYPES, PageFile
from service.security import page_policy

_FILES = Path(__file__).parents[1] / "graphiql"
_INDEX = "index.html"


def routes() -> list[Route]:
    """Returns the routes of the page, its scripts and its stylesheets."""
    names = [path.relative_to(_FILES).as_posix() for path in sorted(_FILES.rglob("*")) if path.suffix in MEDIA_TYPES]
    return [Route("/graphiql", _serve(_INDEX)), *(Route(f"/graphiql/{name}", _serve(name)) for name in names)]


def _serve(name: str) -> Callable[[Request], Awaitable[Response]]:
    path = _FILES / name
    file = PageFile.of(path.read_text(encoding="utf-8"), MEDIA_TYPES[path.suffix])
    # Its stylesheet holds its fonts. An inline style is refused: it would keep the page behind a dialog from scrolling.
    headers = {"Content-Security-Policy": page_policy(fonts="data:"), "Cache-Control": "no-cache"}

    async def respond(request: Request) -> Response:
        return file.respond(request, headers)

    return respond
