"""The service's errors, as one tree.

ServiceError              its message goes to the client, its `code` becomes `extensions.code`
├── BadInput              an argument cannot be used; names it (BAD_USER_INPUT)
├── Unwritable            a text that PostgreSQL cannot store (BAD_USER_INPUT)
├── Busy                  no connection became free in time; try again (UNAVAILABLE)
│   └── Unavailable       PostgreSQL cannot be reached (UNAVAILABLE)
│       └── CannotWrite   its disk is full, or it takes only reads (UNAVAILABLE)
├── TooSlow               a statement reached its time limit (TIMEOUT)
└── RequestRefused        an HTTP request that is not served: status, code, headers

Any other exception of a resolver is a bug: the transport logs it and masks its message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ServiceError(Exception):
    """A request cannot be fulfilled; the message says what to do about it. graphql-core copies `extensions`."""

    code = "INTERNAL"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def extensions(self) -> dict[str, Any]:
        """The `extensions` of the GraphQL error."""
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
    """A text with NUL or an unpaired surrogate."""

    code = "BAD_USER_INPUT"


class Busy(ServiceError):
    """No connection of the pool became free in time: 503 with Retry-After."""

    code = "UNAVAILABLE"
    retry_after_seconds = 2


class Unavailable(Busy):
    """PostgreSQL cannot be reached: 503 with Retry-After. Nothing may be assumed to be written."""


class CannotWrite(Unavailable):
    """PostgreSQL's disk is full, or it takes only reads."""


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
