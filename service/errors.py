"""The service's one tree of errors.

ServiceError
└── RequestRefused        the HTTP request cannot be served; carries its status, code and headers
"""

from __future__ import annotations

from collections.abc import Mapping


class ServiceError(Exception):
    """Something the service cannot do; the message says what to do about it and may be shown to the client."""


class RequestRefused(ServiceError):
    """An HTTP request that is not served: `status` as RFC 9110 says, `code` for programs, the message for people."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
