"""Read a GraphQL-over-HTTP request: query, operationName, variables and extensions, within limits.

Nothing here knows GraphQL; a request that leaves this file is well-formed, its JSON unambiguous, and every string
in it can be stored (PostgreSQL has no NUL).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect, Request

from service.errors import RequestRefused
from service.graph.media import is_json

BODY_LIMIT = 1_048_576
"""1 MiB: a thousand customers in one call are a third of it. Files go to POST /attachments."""
_MAX_PARAMETERS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameters:
    """One GraphQL-over-HTTP request. `query` is None only where `extensions` names a persisted operation."""

    query: str | None
    operation_name: str | None = None
    variables: Mapping[str, Any] | None = None
    extensions: Mapping[str, Any] = field(default_factory=dict)


def malformed(message: str) -> RequestRefused:
    """400: the request is not a well-formed GraphQL-over-HTTP request."""
    return RequestRefused(400, "BAD_REQUEST", message)


def from_query_string(query_string: bytes, *, max_variables: int) -> Parameters:
    """The parameters of a GET, read as browsers write them (URL Standard 5.1). Raises RequestRefused: 400, 413.

    A name without `=` has an empty value, and `&&` is one `&`; bytes that are not UTF-8 are refused.
    """
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_PARAMETERS,
        )
    except ValueError:
        raise malformed("The query string is not application/x-www-form-urlencoded UTF-8.") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise malformed("A parameter stands twice in the query string.")
    _refuse_nul(found, query_string, b"%00")
    raw: dict[str, Any] = {name: found.get(name) or None for name in ("query", "operationName")}
    for name in ("variables", "extensions"):
        if text := found.get(name):
            raw[name] = _read_json(text.encode(), f"The parameter {name}")
    return from_map(raw, max_variables=max_variables)


async def from_body(request: Request, *, max_variables: int, seconds: float) -> Parameters:
    """The parameters of a POST. Raises RequestRefused: 400, 408, 413, 415."""
    if not is_json(request.headers.get("content-type", "")):
        raise RequestRefused(415, "UNSUPPORTED_MEDIA_TYPE", "Send Content-Type: application/json (UTF-8).")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestRefused(415, "UNSUPPORTED_ENCODING", "Send the body without Content-Encoding.")
    body = await read_body(request, limit=BODY_LIMIT, seconds=seconds)
    return from_map(_read_json(body, "The body"), max_variables=max_variables)


def from_message(raw: Any, *, max_variables: int) -> Parameters:
    """The parameters of a message that was JSON already (WebSocket). Raises RequestRefused: 400, 413."""
    if _holds_nul(raw):
        raise malformed("A string holds a NUL character, which cannot be stored.")
    return from_map(raw, max_variables=max_variables)


async def read_body(request: Request, *, limit: int, seconds: float) -> bytes:
    """The whole body. Raises RequestRefused: 400, 408, and 413 as soon as it is longer than `limit` bytes."""
    try:
        async with asyncio.timeout(seconds):
            return await _read_body(request, limit)
    except TimeoutError:
        raise RequestRefused(
            408, "REQUEST_TIMEOUT", f"The body did not arrive within {seconds:g} seconds.", {"Connection": "close"}
        ) from None
    except ClientDisconnect:
        raise malformed("The client left before its body was whole.") from None


async def _read_body(request: Request, limit: int) -> bytes:
    too_large = RequestRefused(413, "BODY_TOO_LARGE", f"The body is larger than {limit} bytes.")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large
    return bytes(body)


def from_map(raw: Any, *, max_variables: int) -> Parameters:
    """The parameters of a JSON object. Raises RequestRefused: 400, 413."""
    if isinstance(raw, list):
        raise malformed("Batches are not served: send one operation a request.")
    if not isinstance(raw, dict):
        raise malformed("The request is a JSON object with query, operationName, variables and extensions.")
    query, name = raw.get("query"), raw.get("operationName")
    variables, extensions = raw.get("variables"), raw.get("extensions")
    if query is not None and not isinstance(query, str):
        raise malformed("query is a string: the GraphQL document.")
    if name is not None and not isinstance(name, str):
        raise malformed("operationName is a string.")
    for parameter, value in (("variables", variables), ("extensions", extensions)):
        if value is not None and not isinstance(value, dict):
            raise malformed(f"{parameter} is a JSON object.")
    if variables and _size(variables) > max_variables:
        raise RequestRefused(413, "VARIABLES_TOO_LARGE", f"The variables are larger than {max_variables} bytes.")
    return Parameters(query=query, operation_name=name or None, variables=variables, extensions=extensions or {})


def _size(variables: dict[str, Any]) -> int:
    """In bytes of JSON. Raises RequestRefused: 400 beyond orjson's 254 levels, alike on every Python."""
    try:
        return len(orjson.dumps(variables))
    except orjson.JSONEncodeError:
        raise malformed("The variables are nested too deeply.") from None


def _read_json(body: bytes, what: str) -> Any:
    """One JSON value (RFC 8259), each key once. Raises RequestRefused: 400."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed(f"{what} is not JSON in UTF-8: {error.msg} at character {error.pos}.") from None
    try:
        _STRICT.decode(body.decode())
    except _DuplicateKeyError as error:
        raise malformed(f"{what} has the key {error.args[0]!r} twice in one object.") from None
    except RecursionError:
        raise malformed(f"{what} is nested too deeply.") from None
    except ValueError:
        raise malformed(f"{what} holds a number with too many digits.") from None
    _refuse_nul(value, body, b"\\u0000")
    return value


class _DuplicateKeyError(Exception):
    pass


def _refuse_duplicate_keys(pairs: list[tuple[str, Any]]) -> None:
    seen = set()
    for key, _ in pairs:
        if key in seen:
            raise _DuplicateKeyError(key[:100])
        seen.add(key)


# JSON parsers disagree on which of two equal keys counts (RFC 8259 4), so a duplicate is refused.
_STRICT = json.JSONDecoder(object_pairs_hook=_refuse_duplicate_keys)


def _refuse_nul(value: Any, source: bytes, escape: bytes) -> None:
    if escape in source and _holds_nul(value):
        raise malformed("A string holds a NUL character, which cannot be stored.")


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(item) for key, item in value.items())
    if isinstance(value, list):
        return any(_holds_nul(item) for item in value)
    return False
