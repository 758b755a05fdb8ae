"""A mail's HTML or text without our tracking: every link leads where its author's did, pixel and honeypot are gone.

Tracked are addresses whose token our keys prove, at whatever PUBLIC_URL they were made; where a key is no longer
listed, those of today's PUBLIC_URL. A link that only looks like one stays. Pure, linear.
"""

from __future__ import annotations

import re
from html import escape
from urllib.parse import unquote

from gateway.mail import base64url
from gateway.mail.keys import Keyring, Purpose
from gateway.mail.tracking import HONEYPOT_LINK, read_click, read_open

_ORIGIN = r"(?P<origin>https?://[^/\s\"'<>?#]{1,255})"
_TOKEN = r"(?P<token>(?P<key>[a-z0-9]{1,4})(?:(?P<plain>-)|\.)[A-Za-z0-9_-]{20,60})"  # noqa: S105 - no password
# A full stop behind a link ends a sentence.
_CLICK = re.compile(rf"{_ORIGIN}/c/{_TOKEN}/(?P<destination>(?(plain)[A-Za-z0-9_-]+|[A-Za-z0-9_.~%-]*[A-Za-z0-9_~%-]))")
_OPEN = re.compile(rf"{_ORIGIN}/o/{_TOKEN}(?![A-Za-z0-9_/-])")
_HONEYPOT = re.compile(rf'<a href="{_CLICK.pattern}"[^<>]{{0,300}}>(?:</a>)?')
_PIXEL = re.compile(rf'<img src="{_OPEN.pattern}"[^<>]{{0,300}}>')
_NUMBER = slice(16, 18)
"""Where a click's token has the link's number (`gateway.mail.tracking`)."""


def untracked_html(html: str, keyring: Keyring, public_url: str) -> str:
    """An HTML part as its author's template gives it."""
    ours = _Ours(keyring, public_url)
    html = _HONEYPOT.sub(ours.without_honeypot, html)
    html = _PIXEL.sub(ours.without_pixel, html)
    html = _CLICK.sub(lambda link: escape(ours.destination(link) or link[0]), html)
    return _OPEN.sub(ours.without_pixel, html)


def untracked_text(text: str, keyring: Keyring, public_url: str) -> str:
    """The same of a text part."""
    ours = _Ours(keyring, public_url)
    return _CLICK.sub(lambda link: ours.destination(link) or link[0], text)


class _Ours:
    """Knows which addresses are ours."""

    def __init__(self, keyring: Keyring, public_url: str) -> None:
        self._keyring = keyring
        self._public_url = public_url

    def without_honeypot(self, tag: re.Match[str]) -> str:
        if self.destination(tag) is None:
            return tag[0]
        raw = base64url.decode(re.split("[.-]", tag["token"], maxsplit=1)[1]) or b""
        return "" if int.from_bytes(raw[_NUMBER], "big") == HONEYPOT_LINK else tag[0]

    def without_pixel(self, tag: re.Match[str]) -> str:
        ours = read_open(self._keyring, tag["token"]) is not None or self._is_of_a_lost_key(tag, Purpose.OPEN)
        return "" if ours else tag[0]

    def destination(self, link: re.Match[str]) -> str | None:
        """Where a tracked link leads; None when it is not ours."""
        written = link["destination"]
        plain = base64url.decode(written) if link["plain"] else unquote(written).encode()
        if plain is None:
            return None
        ours = read_click(self._keyring, link["token"], plain) or self._is_of_a_lost_key(link, Purpose.CLICK)
        return plain.decode("utf-8", "replace") if ours else None

    def _is_of_a_lost_key(self, link: re.Match[str], purpose: Purpose) -> bool:
        return link["origin"] == self._public_url and self._keyring.key(link["key"], purpose) is None
