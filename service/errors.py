"""The service's one tree of errors.

ServiceError              has a `code`; shown to the client as it stands, as `extensions.code`
├── BadInput              an argument cannot be used; names it (BAD_USER_INPUT)
├── Unwritable            a text that PostgreSQL cannot hold (BAD_USER_INPUT)
├── Busy                  no connection came free in time; try again (UNAVAILABLE)
│   └── Unavailable       PostgreSQL cannot be reached (UNAVAILABLE)
├── TooSlow               a statement ran into its time limit (TIMEOUT)
└── RequestRefused        an HTTP request that is not served: status, code, headers

Anything else that leaves a resolver is a fault of ours: it is logged and masked by the transport.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ServiceError(Exception):
    """Something a request cannot have; the message says what to do about it. graphql-core copies `extensions`."""

    code = "INTERNAL"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def extensions(self) -> dict[str, Any]:
        """What stands in the GraphQL error beside the message."""
        return {"code": self.code}


class BadInput(ServiceError):
    """An argument that cannot be used. `argument` is its GraphQL name."""

    code = "BAD_USER_INPUT"

    def __init__(self, argument: str, message: str) -> None:
        super().__init__(f"{argument}: {message}")
        self.argument = argument

    @property
    def extensions(self) -> dict[str, Any]:
        """The code and the argument."""
        return {"code": self.code, "argument": self.argument}


class Unwritable(ServiceError):
    """A text with NUL or half a surrogate pair."""

    code = "BAD_USER_INPUT"


class Busy(ServiceError):
    """Every connection stayed in use for as long as a request waits: 503, Retry-After."""

    code = "UNAVAILABLE"
    retry_after_seconds = 2


class Unavailable(Busy):
    """PostgreSQL cannot be reached: 503, Retry-After. Nothing is known to be written."""


class TooSlow(ServiceError):
    """PostgreSQL stopped a statement at its time limit."""

    code = "TIMEOUT"


class RequestRefused(ServiceError):
    """An HTTP request that is not served: `status` as RFC 9110 says, `code` for programs, the message for people."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
