"""The media type of a response: `Accept` as RFC 9110 12.5.1 and GraphQL over HTTP define it."""

from __future__ import annotations

from functools import lru_cache

from service.errors import RequestRefused

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"
_LONGEST_ACCEPT = 2048
_NOT_ACCEPTABLE = f"Accept one of {GRAPHQL_RESPONSE}, {JSON}, {EVENT_STREAM}."


@lru_cache(maxsize=256)
def negotiate(accept: str) -> str:
    """The media type of the response: the acceptable one of highest quality. Raises RequestRefused: 406.

    Without `Accept`, and where only a wildcard matches, `application/json`: legacy clients send that. The event
    stream (graphql-sse, distinct connections) must be named.
    """
    if not accept.strip():
        return JSON
    if len(accept) > _LONGEST_ACCEPT:
        raise RequestRefused(406, "NOT_ACCEPTABLE", _NOT_ACCEPTABLE)
    ranges = [_media_range(part) for part in accept.split(",") if part.strip()]
    best, best_rank = None, (0.0, 0, 0)
    for media_type in (GRAPHQL_RESPONSE, JSON, EVENT_STREAM):
        quality, precision = _quality(media_type, ranges)
        named = precision == 2
        if media_type == EVENT_STREAM and not named:
            continue
        preferred = media_type == GRAPHQL_RESPONSE if named else media_type == JSON
        rank = (quality, precision, int(preferred))
        if quality > 0 and rank > best_rank:
            best, best_rank = media_type, rank
    if best is None:
        raise RequestRefused(406, "NOT_ACCEPTABLE", _NOT_ACCEPTABLE)
    return best


def is_json(content_type: str) -> bool:
    """Whether a request body of this `Content-Type` is JSON in UTF-8."""
    media_type, charset, _ = _parameters(content_type)
    return media_type == JSON and charset in ("", "utf-8", "utf8")


def read_coding(text: str) -> tuple[str, float]:
    """One item of `Accept-Encoding`: the coding and its quality (RFC 9110 12.4.2)."""
    name, _, quality = _parameters(text)
    return name, quality


def _parameters(text: str) -> tuple[str, str, float]:
    """Media type, charset and quality; a malformed quality counts as 0."""
    media_type, *parameters = text.split(";")
    charset, quality = "", 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        value = value.strip().strip('"').lower()
        if name.strip().lower() == "charset":
            charset = value
        elif name.strip().lower() == "q":
            quality = _read_quality(value)
    return media_type.strip().lower(), charset, quality


def _read_quality(value: str) -> float:
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0


def _media_range(text: str) -> tuple[str, float]:
    media_type, charset, quality = _parameters(text)
    return media_type, quality if charset in ("", "utf-8", "utf8") else 0.0


def _quality(media_type: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """The quality of the most precise matching range, and that precision: 2 named, 1 `type/*`, 0 `*/*`."""
    kinds = {media_type: 2, media_type.split("/")[0] + "/*": 1, "*/*": 0}
    matches = [(kinds[name], quality) for name, quality in ranges if name in kinds]
    if not matches:
        return 0.0, 0
    precision, quality = max(matches)
    return quality, precision
