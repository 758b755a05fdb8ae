"""The web page's own files: `/`, `/customers/{id}/emails`, `/static/...`, and the frame with a template's preview.

Files are read and compressed once, when the process starts. The page names its modules and stylesheet by the hash of
them all (`/static/<hash>/page.js`), so browsers keep them for ever and fetch a new release at once.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.templates.html_links import without_links
from service.compression import accepts_gzip
from service.database import Reading, statement
from service.errors import Busy, RequestRefused
from service.graph.node import read_message_id
from service.security import page_policy

PAGE = Path(__file__).parents[1] / "page"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What is served; pictures of the README and notes on vendored files are not."""
_COMPRESS_FROM = 500
_FOR_EVER = "public, max-age=31536000, immutable"
_REVALIDATE = "no-cache"
_PREVIEW_OF_MESSAGE = statement("preview_of_message")


@dataclass(frozen=True, kw_only=True, slots=True)
class PageFile:
    """One file, ready to be sent. `etag` is as headers have it, and weak: it stands for both forms (RFC 9110 8.8.3)."""

    body: bytes
    gzipped: bytes | None
    etag: str
    media_type: str

    @classmethod
    def of(cls, body: bytes, media_type: str) -> PageFile:
        """Compressed, where that is worth a header."""
        small = gzip.compress(body, 9, mtime=0) if len(body) >= _COMPRESS_FROM else None
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        return cls(body=body, gzipped=small, etag=etag, media_type=media_type)

    def answer(self, request: Request, headers: Mapping[str, str]) -> Response:
        """200, or 304 when the browser has it already (RFC 9110 13.1.2)."""
        headers = {**headers, "ETag": self.etag, "Vary": "Accept-Encoding"}
        if self._is_known(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        if self.gzipped is not None and accepts_gzip(request.headers):
            headers["Content-Encoding"] = "gzip"
            return Response(self.gzipped, headers=headers, media_type=self.media_type)
        return Response(self.body, headers=headers, media_type=self.media_type)

    def _is_known(self, if_none_match: str) -> bool:
        """By weak comparison, as RFC 9110 13.1.2 has it."""
        sent = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
        return any(tag in (self.etag.removeprefix("W/"), "*") for tag in sent)


class PageFiles:
    """Every file below `directory`, and the shell that all views of the page share."""

    def __init__(self, directory: Path = PAGE) -> None:
        found = {
            path.relative_to(directory).as_posix(): path
            for path in sorted(directory.rglob("*"))
            if path.suffix in MEDIA_TYPES
        }
        bodies = {name: path.read_bytes() for name, path in found.items()}
        self._files = {
            name: PageFile.of(body, MEDIA_TYPES[found[name].suffix])
            for name, body in bodies.items()
            if not name.endswith(".html")
        }
        self._release = hashlib.sha256("".join(file.etag for file in self._files.values()).encode()).hexdigest()[:16]
        self._shell = PageFile.of(self._name_release(bodies["index.html"]), MEDIA_TYPES[".html"])

    def routes(self) -> list[Route]:
        """The addresses of this file."""
        return [
            Route("/", self.show_page),
            # All below: the page itself says that an address is none of its own, and leads back.
            Route("/customers", self.show_page),
            Route("/customers/{rest:path}", self.show_page),
            Route("/static/{name:path}", self.show_file),
            Route("/previews/{message}", show_preview),
        ]

    async def show_page(self, request: Request) -> Response:
        """The same for every view, signed in or not: it holds no data."""
        ancestors = request.app.state.resources.settings.frame_ancestors
        headers = {"Content-Security-Policy": page_policy(ancestors), "Cache-Control": _REVALIDATE}
        return self._shell.answer(request, headers)

    async def show_file(self, request: Request) -> Response:
        """By its plain name, or by its name in this release."""
        name: str = request.path_params["name"]
        release = f"{self._release}/"
        file = self._files.get(name.removeprefix(release))
        if file is None:
            return PlainTextResponse("There is no such file.", status_code=404)
        return file.answer(request, {"Cache-Control": _FOR_EVER if name.startswith(release) else _REVALIDATE})

    def _name_release(self, shell: bytes) -> bytes:
        """Names of this release, and all modules announced at once: none waits until another has named it."""
        place = f"/static/{self._release}/"
        modules = [name for name in self._files if name.endswith(".js") and name != "page.js"]
        announced = "\n".join(f'<link rel="modulepreload" href="{place}{name}">' for name in modules)
        text = shell.decode().replace("/static/", place).replace("</head>", f"{announced}\n</head>")
        return text.encode()


async def show_preview(request: Request) -> Response:
    """The HTML of a message's template with sample data, for a frame: nothing in it runs, loads, submits or leads away.

    The policy's `sandbox` holds when the address is opened by itself, too (CSP Level 3, 6.3.2).
    """
    resources = request.app.state.resources
    try:
        await resources.authenticator.caller(request)
        ref = read_message_id(request.path_params["message"])
        rows = ref and await Reading(resources.pools).fetch(
            _PREVIEW_OF_MESSAGE, customer_id=ref.customer_id, message_id=ref.message_id
        )
    except RequestRefused as refused:
        return PlainTextResponse(refused.message, status_code=refused.status)
    except Busy as busy:
        return PlainTextResponse(busy.message, status_code=503, headers={"Retry-After": str(busy.retry_after_seconds)})
    if not rows:
        return PlainTextResponse("There is no such preview.", status_code=404)
    return Response(
        without_links(rows[0]["html"]),
        media_type="text/html; charset=utf-8",
        headers={
            "Content-Security-Policy": preview_policy(resources.settings.frame_ancestors),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        },
    )


def preview_policy(frame_ancestors: tuple[str, ...]) -> str:
    """Styles of its own and pictures that it carries, nothing else; framed by our page, and by who frames that."""
    framers = " ".join(["'self'", *frame_ancestors])
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; sandbox; "
        f"frame-ancestors {framers}"
    )
