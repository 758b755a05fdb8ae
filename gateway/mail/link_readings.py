"""What a link's path may have been before proxies, mail clients and copy and paste changed it.

Every reading is a guess, the likeliest first; the MAC decides, so that a wrong guess leads nowhere. An intact path is
its own first reading. The number of readings has a limit: each costs an HMAC.

- behind the link: punctuation, quotes, spaces, words of another script, `-` and `_` (`_link_`), or a last `-` or `_` is
  missing, since link finders leave trailing punctuation out;
- inside it: line breaks and spaces of a client that folded the line;
- the whole of it percent-encoded up to three times;
- in the escaped form (`gateway.mail.tracking`): decoded once, with the destination's query as the request's, and `//`
  merged to `/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import unquote_to_bytes

from gateway.mail import base64url

_MAX_READINGS = 40
_LAYERS = 3
_MAX_TRIMMED = 4
_MAX_OCTETS = 8192
"""Octets of a path and query that are worth more than the first reading: proxies take no more either."""
_MAX_CHARACTER_OCTETS = 4

_TOKEN = re.compile(rb"[a-z0-9]{1,4}[.-][A-Za-z0-9_-]{20,60}")
_CLICK = re.compile(rb"([a-z0-9]{1,4}[.-][A-Za-z0-9_-]{20,60})/(.*)", re.DOTALL)
_BASE64URL = re.compile(rb"[A-Za-z0-9_-]+")
_FOLD = re.compile(rb"=?[ \t\r\n]+")
_NOT_IN_URLS = re.compile(rb"[\s<>\"]")
_SCHEME = re.compile(rb"(https?:)/+")
_JUNK = re.compile(rb"(?:[^A-Za-z0-9/\x80-\xff]|[\xc0-\xff][\x80-\xbf]*)\Z")
_DROPPED = (b"-", b"_", b"--", b"-_", b"_-", b"__")


def tokens(path: bytes) -> Iterator[str]:
    """Yields what the token of `/o/TOKEN` and `/u/TOKEN` may be. `path` is the raw path behind `/o/`."""
    if len(path) > _MAX_OCTETS:
        return
    for text in _unfolded(_decoded(path)):
        match = _TOKEN.match(text)
        # A further segment makes another address, and none of ours.
        if match and text[match.end() :][:1] != b"/":
            yield from (run.decode() for run in _runs(match[0]))


def clicks(path: bytes, query: bytes = b"") -> Iterator[tuple[str, bytes]]:
    """Yields what token and destination of `/c/TOKEN/DESTINATION` may be. `path` is the raw path behind `/c/`."""
    match = _CLICK.match(path)
    for _ in range(_LAYERS if len(path) <= _MAX_OCTETS else 0):
        if match:
            break
        path = unquote_to_bytes(path)
        match = _CLICK.match(path)
    if match is None:
        return
    token, rest = match[1].decode(), match[2]
    destinations = _escaped(rest, query) if "." in token else _plain(rest)
    for destination in islice(destinations, _MAX_READINGS):
        yield token, destination


def _plain(rest: bytes) -> Iterator[bytes]:
    for text in _unfolded(_decoded(rest[:_MAX_OCTETS])):
        match = _BASE64URL.match(text)
        for run in _runs(match[0]) if match else ():
            destination = base64url.decode(run.decode())
            if destination is not None:
                yield destination


def _escaped(rest: bytes, query: bytes) -> Iterator[bytes]:
    once = unquote_to_bytes(rest)
    yield once
    if len(rest) + len(query) > _MAX_OCTETS:
        return
    twice = unquote_to_bytes(once)
    wholes: dict[bytes, None] = {}
    for layer in (once, rest, twice, unquote_to_bytes(twice)):
        for whole in (layer, layer + b"?" + query) if query else (layer,):
            wholes.setdefault(whole)
            wholes.setdefault(_SCHEME.sub(rb"\1//", whole))
            wholes.setdefault(_NOT_IN_URLS.split(whole, maxsplit=1)[0])
    yield from wholes
    for whole in wholes:
        yield from _trimmed(whole)


def _trimmed(whole: bytes) -> Iterator[bytes]:
    for _ in range(_MAX_TRIMMED):
        junk = _JUNK.search(whole, max(0, len(whole) - _MAX_CHARACTER_OCTETS))
        if junk is None:
            return
        whole = whole[: junk.start()]
        yield whole


def _runs(run: bytes) -> Iterator[bytes]:
    """Yields a run of our alphabet as it is, then without the `-` and `_` behind it, then with a dropped one."""
    yield run
    for end in range(1, _MAX_TRIMMED + 1):
        if run[-end:].strip(b"-_"):
            break
        yield run[:-end]
    yield from (run + dropped for dropped in _DROPPED)


def _decoded(text: bytes) -> bytes:
    for _ in range(_LAYERS):
        if b"%" not in text:
            break
        text = unquote_to_bytes(text)
    return text


def _unfolded(text: bytes) -> Iterator[bytes]:
    yield text
    joined = _FOLD.sub(b"", text)
    if joined != text:
        yield joined
