"""Persisted operations: automatic ones (APQ) that clients register by SHA-256, or an allow-list and nothing else.

A request names one by `extensions.persistedQuery = {"version": 1, "sha256Hash": "..."}`, with or without `query`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import orjson

from gateway.errors import SettingsError
from service.errors import RequestRefused
from service.graph.parameters import Parameters, malformed

_MAX_DOCUMENTS = 1000
_MAX_BYTES = 8 * 1_048_576
_SHA256 = re.compile(r"[0-9a-f]{64}")


class SharedStore(Protocol):
    """A cache of documents that all processes share. It may forget, and it never raises."""

    async def get(self, key: str) -> str | None:
        """The document of this key, or None."""

    async def put(self, key: str, document: str) -> None:
        """Keep it for a while."""


class PersistedOperations:
    """Turns a request's parameters into a source string."""

    def __init__(self, allowed: Mapping[str, str] | None = None, shared: SharedStore | None = None) -> None:
        self._allowed = allowed
        self._sources = frozenset(allowed.values()) if allowed is not None else frozenset[str]()
        self._shared = shared
        self._known: OrderedDict[str, str] = OrderedDict()
        self._bytes = 0

    async def source(self, parameters: Parameters) -> str:
        """The document to run. Raises RequestRefused: 400, 403 outside the allow-list, 422 for an unknown hash."""
        sha256 = _hash_of(parameters.extensions)
        if self._allowed is not None:
            return self._from_allow_list(sha256, parameters.query)
        if sha256 is None:
            if not parameters.query:
                raise malformed("query is missing: send the GraphQL document as a string.")
            return parameters.query
        if parameters.query is None:
            return await self._recall(sha256)
        if not _is_digest_of(sha256, parameters.query):
            raise malformed("extensions.persistedQuery.sha256Hash is not the SHA-256 of query.")
        return parameters.query

    async def remember(self, parameters: Parameters, source: str) -> None:
        """Keep a valid document that the client registers."""
        sha256 = _hash_of(parameters.extensions)
        if sha256 is None or parameters.query is None or self._allowed is not None or sha256 in self._known:
            return
        self._keep(sha256, source)
        if self._shared is not None:
            await self._shared.put(sha256, source)

    def _from_allow_list(self, sha256: str | None, query: str | None) -> str:
        allowed = self._allowed or {}
        if sha256 is not None and sha256 in allowed:
            return allowed[sha256]
        if query is not None and query in self._sources:
            return query
        raise RequestRefused(
            403, "PERSISTED_QUERY_NOT_ALLOWED", "This service runs only the operations of its list, named by SHA-256."
        )

    async def _recall(self, sha256: str) -> str:
        found = self._known.get(sha256)
        if found is not None:
            self._known.move_to_end(sha256)
            return found
        shared = await self._shared.get(sha256) if self._shared is not None else None
        # Valkey is not trusted: a document counts only where its digest is the hash.
        if shared is not None and _is_digest_of(sha256, shared):
            self._keep(sha256, shared)
            return shared
        # Message and code of the APQ protocol: clients then send hash and query together.
        raise RequestRefused(422, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")

    def _keep(self, sha256: str, source: str) -> None:
        self._known[sha256] = source
        self._bytes += len(source)
        while len(self._known) > _MAX_DOCUMENTS or self._bytes > _MAX_BYTES:
            _, evicted = self._known.popitem(last=False)
            self._bytes -= len(evicted)


def read_allow_list(path: Path) -> dict[str, str]:
    """The operations of a JSON file `{"sha256": "document"}`. Raises SettingsError, naming what is wrong."""
    wanted = f'PERSISTED_OPERATIONS is a JSON file {{"sha256 of the document": "document"}}: {path}'
    try:
        found = orjson.loads(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{wanted} cannot be read: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise SettingsError(f"{wanted} is not JSON: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(source, str) for source in found.values()):
        raise SettingsError(f"{wanted} is no such object")
    for sha256, source in found.items():
        if hashlib.sha256(source.encode()).hexdigest() != sha256:
            raise SettingsError(f"{wanted}: {sha256} is not the SHA-256 of its document")
    return found


def _is_digest_of(sha256: str, source: str) -> bool:
    return hmac.compare_digest(hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest(), sha256)


def _hash_of(extensions: Mapping[str, Any]) -> str | None:
    named = extensions.get("persistedQuery")
    if named is None:
        return None
    if not isinstance(named, dict) or named.get("version") != 1:
        raise malformed('extensions.persistedQuery is {"version": 1, "sha256Hash": "..."}.')
    sha256 = named.get("sha256Hash")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise malformed("extensions.persistedQuery.sha256Hash is 64 small hexadecimal digits.")
    return sha256
