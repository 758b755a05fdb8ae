"""The web page's files: `/`, `/messages`, ..., `/static/...`, and the HTML preview of a message's template.

Files are read, rid of comments and compressed once, when the process starts. The page links its modules and stylesheet
under a hash of all of them (`/static/<hash>/page.js`), so that browsers cache them for ever and still load a new
release at once. A language's words are also served in parts (`languages/en.js?part=shell`): a view loads those that it
shows.
"""

from __future__ import annotations

import gzip
import hashlib
import posixpath
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.templates.html_links import without_links
from service.compression import accepts_gzip
from service.database import Reading, statement
from service.errors import Busy, RequestRefused
from service.graph.node import read_message_id
from service.http.page_comments import module_without_comments, sheet_without_comments
from service.http.page_words import parts_of
from service.security import page_policy

PAGE = Path(__file__).parents[1] / "page"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""By suffix: no other file of the directory is served, such as pictures and licences."""
_COMPRESS_FROM = 500
_FOR_EVER = "public, max-age=31536000, immutable"
_REVALIDATE = "no-cache"
_START = "worklist"
"""The view at `/`. Every other view is at its own name, and has a directory of that name with a `view.js`."""
_OPENED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "messages": (("", "message-list"), (".*", "message-page")),
    "customers": (
        ("", "customer-list"),
        ("[^/]+/(?:lists|campaigns|addresses|choices)", "customer-part"),
        (".*", "customer-emails"),
    ),
    "campaigns": (("", "campaign-list"), ("new|[^/]+/edit", "edit"), (".*", "one-campaign")),
}
"""What a view's `open` imports for the rest of the path, so that it is preloaded: a faster start, and nothing else."""
_LANGUAGES = "languages/"
_VENDOR = "vendor/"
"""What others wrote is sent as it is, with its licence."""
_IMPORTED = re.compile(r"""^(?:import|export)\b[^;]*?["'](\.{1,2}/[^"']+)["'];""", re.MULTILINE)
"""A module that is loaded with the one that names it: `import("...")` within a function is loaded later."""
_DRAFT_FRAME = '<!doctype html><html><head><meta charset="utf-8"><title>Preview</title></head><body></body></html>'
_PREVIEW_OF_MESSAGE = statement("preview_of_message")


@dataclass(frozen=True, kw_only=True, slots=True)
class PageFile:
    """One file, ready to send. `etag` is weak, since it stands for both encodings (RFC 9110 8.8.3)."""

    body: bytes
    gzipped: bytes | None
    etag: str
    media_type: str

    @classmethod
    def of(cls, text: str, media_type: str) -> PageFile:
        """Returns the file, with a compressed form when it has at least `_COMPRESS_FROM` bytes."""
        body = text.encode()
        small = gzip.compress(body, 9, mtime=0) if len(body) >= _COMPRESS_FROM else None
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        return cls(body=body, gzipped=small, etag=etag, media_type=media_type)

    def respond(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Returns 200, or 304 when the browser's copy is current (RFC 9110 13.1.2)."""
        headers = {**headers, "ETag": self.etag, "Vary": "Accept-Encoding"}
        if self._matches(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        if self.gzipped is not None and accepts_gzip(request.headers):
            headers["Content-Encoding"] = "gzip"
            return Response(self.gzipped, headers=headers, media_type=self.media_type)
        return Response(self.body, headers=headers, media_type=self.media_type)

    def _matches(self, if_none_match: str) -> bool:
        """Whether If-None-Match has the etag, by weak comparison (RFC 9110 13.1.2)."""
        sent = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
        return any(tag in (self.etag.removeprefix("W/"), "*") for tag in sent)


class PageFiles:
    """Every servable file below `directory`, and `index.html`, which all views of the page share."""

    def __init__(self, directory: Path = PAGE) -> None:
        found = {
            path.relative_to(directory).as_posix(): path
            for path in sorted(directory.rglob("*"))
            if path.suffix in MEDIA_TYPES
        }
        sources = {name: path.read_text(encoding="utf-8") for name, path in found.items()}
        bodies = {name: _sent(name, source) for name, source in sources.items()}
        self._files = {
            name: PageFile.of(body, MEDIA_TYPES[found[name].suffix])
            for name, body in bodies.items()
            if not name.endswith(".html")
        }
        for name in [name for name in bodies if name.startswith(_LANGUAGES)]:
            for part, module in parts_of(sources[name]).items():
                self._files[f"{name}?part={part}"] = PageFile.of(_sent(name, module), MEDIA_TYPES[".js"])
        self._release = hashlib.sha256("".join(file.etag for file in self._files.values()).encode()).hexdigest()[:16]
        imports = imports_of(bodies)
        self._views = {
            view: tuple(
                (
                    re.compile(rest, re.DOTALL),
                    PageFile.of(self._index(view, opened, bodies, imports), MEDIA_TYPES[".html"]),
                )
                for rest, opened in _OPENED.get(view, ((".*", "view"),))
            )
            for view in (name.removesuffix("/view.js") for name in bodies if name.endswith("/view.js"))
        }

    def routes(self) -> list[Route]:
        """Returns the routes of the page, its files and the previews."""
        views = [view for view in self._views if view != _START]
        return [
            Route("/", self.show_page),
            # The page itself reports an unknown address below, with a link back.
            *(Route(f"/{view}", self.show_page) for view in views),
            *(Route(f"/{view}/{{rest:path}}", self.show_page) for view in views),
            Route("/static/{name:path}", self.show_file),
            Route("/previews/draft", show_draft_frame),
            Route("/previews/{message}", show_preview),
        ]

    async def show_page(self, request: Request) -> Response:
        """`index.html`: the same signed in or not, since it holds no data; by view only in what is loaded with it."""
        ancestors = request.app.state.resources.settings.frame_ancestors
        headers = {"Content-Security-Policy": page_policy(ancestors), "Cache-Control": _REVALIDATE}
        # Not of `request.url`, which is made of the Host header, and that may be anything.
        _, view, *rest = request.scope["path"].split("/", 2)
        path = "".join(rest).rstrip("/")
        page = next(page for pattern, page in self._views[view or _START] if pattern.fullmatch(path))
        return page.respond(request, headers)

    async def show_file(self, request: Request) -> Response:
        """A file under its plain name, or under this release's; `part` is one of a language's words."""
        name: str = request.path_params["name"]
        release = f"{self._release}/"
        part = request.query_params.get("part")
        file = self._files.get(name.removeprefix(release) + (f"?part={part}" if part is not None else ""))
        if file is None:
            return PlainTextResponse("There is no such file.", status_code=404)
        return file.respond(request, {"Cache-Control": _FOR_EVER if name.startswith(release) else _REVALIDATE})

    def _index(self, view: str, opened: str, bodies: Mapping[str, str], imports: Mapping[str, Collection[str]]) -> str:
        """Returns `index.html` with links to this release and a preload of what `view` opens: all load in parallel."""
        prefix = f"/static/{self._release}/"
        entries = ("page.js", f"{view}/view.js", f"{view}/{opened}.js")
        modules = sorted(set().union(*(modules_of(entry, imports) for entry in entries)) - {"page.js"})
        styles = [name for name in dict.fromkeys((f"{view}/view.css", f"{view}/{opened}.css")) if name in bodies]
        links = [
            *(f'<link rel="stylesheet" href="{prefix}{name}">' for name in styles),
            *(f'<link rel="modulepreload" href="{prefix}{name}">' for name in modules),
        ]
        text = bodies["index.html"].replace("/static/", prefix)
        return text.replace("</head>", "\n".join([*links, "</head>"]))


@cache
def page_files() -> PageFiles:
    """Returns the page's files: the same for every application of this process."""
    return PageFiles()


def _sent(name: str, text: str) -> str:
    """Returns a file as it is sent."""
    if name.startswith(_VENDOR):
        return text
    if name.endswith(".js"):
        return module_without_comments(text)
    return sheet_without_comments(text) if name.endswith(".css") else text


def imports_of(bodies: Mapping[str, str]) -> dict[str, set[str]]:
    """Returns, by each module, the names of the modules that its import statements name."""
    modules = {name for name in bodies if name.endswith(".js")}
    return {
        name: modules.intersection(resolved(name, found) for found in _IMPORTED.findall(bodies[name]))
        for name in modules
    }


def resolved(module: str, named: str) -> str:
    """Returns the name of the file that a module names, as in `../page.css`."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(module), named))


def modules_of(entry: str, imports: Mapping[str, Collection[str]]) -> set[str]:
    """Returns the names of `entry` and of all modules that its import statements lead to."""
    known = {entry}
    waiting = [entry]
    while waiting:
        for name in imports[waiting.pop()]:
            if name not in known:
                known.add(name)
                waiting.append(name)
    return known


async def show_draft_frame(request: Request) -> Response:
    """An empty document with a preview's policy, into which the editor puts what it shows: it holds nothing itself.

    Such a document needs an address of its own: one made by the page (`srcdoc`, `blob:`, `data:`) has the page's
    policy besides its own (HTML, 7.1.4 "policy containers"), which forbids the inline styles that mail is made of.
    """
    return Response(
        _DRAFT_FRAME,
        media_type="text/html; charset=utf-8",
        headers={
            "Content-Security-Policy": preview_policy(request.app.state.resources.settings.frame_ancestors),
            "Cache-Control": _REVALIDATE,
            "Referrer-Policy": "no-referrer",
        },
    )


async def show_preview(request: Request) -> Response:
    """The HTML of a message's template with sample data, for a frame: no scripts, requests, forms or links work in it.

    The policy's `sandbox` also applies when the address is opened outside a frame (CSP Level 3, 6.3.2). It allows the
    page to read the content's height, and the content nothing.
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
    """Returns a preview's policy: inline styles and data: pictures only; framed by our page and its ancestors."""
    framers = " ".join(["'self'", *frame_ancestors])
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"sandbox allow-same-origin; frame-ancestors {framers}"
    )
