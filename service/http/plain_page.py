"""Small pages without scripts, in the look of `service/page`, light and dark: unsubscribing, and what is not there."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

_STYLE = (
    ":root{color-scheme:light dark;--ground:#f6f6f4;--surface:#fff;--sunken:#f1f1ee;--line:#8a8f98;--ink:#1b1d21;"
    "--soft:#565c66;--on-ink:#fff}"
    "@media(prefers-color-scheme:dark){:root{--ground:#121417;--surface:#191c20;--sunken:#22262b;--line:#747c88;"
    "--ink:#e9ebee;--soft:#a6adb8;--on-ink:#14171b}}"
    "*{box-sizing:border-box}"
    'body{margin:0;padding:1rem;background:var(--ground);color:var(--ink);font:1.0625rem/1.5 -apple-system,"Segoe UI",'
    'Roboto,Inter,Cantarell,"Noto Sans","Liberation Sans",Arial,sans-serif;overflow-wrap:break-word}'
    "main{max-width:34rem;margin:10vh auto 0;padding:2rem;border-radius:10px;background:var(--surface);"
    "box-shadow:0 1px 2px rgb(20 22 26/6%),0 8px 28px rgb(20 22 26/12%)}"
    ".firm{margin:0 0 1rem;color:var(--soft);font-weight:650}"
    "h1{margin:0 0 .5rem;font-size:1.5rem;line-height:1.25;letter-spacing:-.012em;font-weight:650}"
    "p{margin:0 0 1rem}main>:last-child{color:var(--soft);margin-bottom:0}"
    "a{color:var(--ink);text-underline-offset:.18em}"
    "fieldset{border:1px solid var(--line);border-radius:6px;padding:.5rem 1rem;margin:0 0 1rem}"
    "legend{padding:0 .35rem;color:var(--soft)}"
    "label{display:flex;align-items:baseline;gap:.6rem;padding:.5rem 0}input{accent-color:var(--ink)}"
    "button{font:inherit;font-weight:550;padding:.5rem 1.2rem;margin:0 0 1rem;border:0;border-radius:6px;"
    "background:var(--ink);color:var(--on-ink);cursor:pointer}"
    ":focus-visible{outline:2px solid var(--ink);outline-offset:2px}"
    "@media(max-width:30rem){main{margin-top:1rem;padding:1.5rem}}"
)
_STYLE_SHA256 = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_SHA256}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of these pages: their one style and their form, nothing else."""


def plain_page(title: str, body: str, *, language: str = "en", firm: str | None = None) -> str:
    """Returns a whole page. `body` is HTML; the title and the firm's name are text."""
    name = f'<p class="firm">{escape(firm)}</p>' if firm else ""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{name}<h1>{escape(title)}</h1>{body}</main></body></html>\n"
    )


async def show_not_found(request: Request, error: Exception) -> Response:
    """404: a page for browsers, which ask for HTML, and a sentence for programs."""
    headers = {"Cache-Control": "no-store", "Vary": "Accept"}
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse("There is nothing at this path.", status_code=404, headers=headers)
    body = '<p>The web address may be mistyped, or cut off. <a href="/">Go to the worklist</a></p>'
    headers["Content-Security-Policy"] = POLICY
    return HTMLResponse(plain_page("There is no such page", body), status_code=404, headers=headers)
