"""A plain client of the GraphQL API: HTTP and a token, no import from the service."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_RETRY_SECONDS = 60.0
"""Longer than a restart of the service takes."""
_TIMEOUT = 30.0


class ApiError(Exception):
    """The API returned an error, as opposed to a business refusal, or cannot be reached."""


class ApiClient:
    """One kept-alive connection. Calls are retried while the service is away: mutations carry idempotency keys."""

    def __init__(self, url: str, token: str) -> None:
        self._address = urlsplit(url).netloc
        self._token = token
        self._connection: http.client.HTTPConnection | None = None

    def call(self, document: str, variables: Mapping[str, Any] | None = None) -> Any:
        """Returns the `data` of an operation. Raises ApiError."""
        body = json.dumps({"query": document, "variables": variables or {}}).encode()
        return self._post("/graphql", body, {"Content-Type": "application/json"})["data"]

    def upload(self, name: str, content: bytes) -> str:
        """Returns the id of a new attachment. Raises ApiError."""
        found = self._post(f"/attachments?name={name}", content, {"Content-Type": "application/octet-stream"})
        return str(found["id"])

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Any:
        ends = time.monotonic() + _RETRY_SECONDS
        while True:
            try:
                status, content = self._try(path, body, headers)
                if status != 503:
                    break
            except (OSError, http.client.HTTPException):
                self.close()
                if time.monotonic() > ends:
                    raise ApiError("the service does not respond") from None
            if time.monotonic() > ends:
                raise ApiError("the service is unavailable")
            time.sleep(0.5)
        try:
            read = json.loads(content)
        except ValueError:
            raise ApiError(f"{path} returned status {status} without JSON") from None
        if read.get("errors"):
            raise ApiError(read["errors"][0]["message"])
        return read

    def _try(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._address, timeout=_TIMEOUT)
        allowed = {"Authorization": f"Bearer {self._token}"}
        self._connection.request("POST", path, body, {**headers, **allowed})
        response = self._connection.getresponse()
        return response.status, response.read()
