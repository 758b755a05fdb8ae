"""Errors as clients see them: expected ones as they are, unexpected ones masked behind an id that is in the log."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

from graphql import GraphQLError

from gateway.errors import CompilerUnavailable, GatewayError, LedgerUnavailable, Refusal
from service.errors import Busy, ServiceError

_log = logging.getLogger("service.graph")


def present(errors: Sequence[GraphQLError], new_id: Callable[[], UUID] = uuid4) -> list[dict[str, Any]]:
    """The `errors` entry (GraphQL specification 7.1.2); unexpected errors are logged and masked."""
    return [_present(error, new_id) for error in errors]


def unavailable(errors: Sequence[GraphQLError]) -> Busy | None:
    """The first error that says we cannot serve now, or None."""
    for error in errors:
        original = _origin(error)
        if isinstance(original, Busy):
            return original
        if isinstance(original, LedgerUnavailable | CompilerUnavailable):
            return Busy(str(original))
    return None


def _present(error: GraphQLError, new_id: Callable[[], UUID]) -> dict[str, Any]:
    original = _origin(error)
    shown: dict[str, Any] = dict(error.formatted)
    if original is None or isinstance(original, ServiceError):
        return shown
    if isinstance(original, Refusal):
        return {**shown, "extensions": {"code": original.code.value, "argument": ".".join(original.field)}}
    if isinstance(original, GatewayError):
        return {**shown, "extensions": {"code": "UNAVAILABLE"}}
    if error.path is None:
        # A scalar could not parse a value of the client's; nothing has run.
        return {**shown, "extensions": {"code": "BAD_USER_INPUT"}}
    return {**shown, **mask(original, new_id)}


def mask(error: BaseException, new_id: Callable[[], UUID] = uuid4) -> dict[str, Any]:
    """An unexpected error as clients see it: an id, by which the log has the rest."""
    error_id = new_id().hex
    log_unexpected(error_id, error)
    return {
        "message": f"Something unexpected happened; the log has it as {error_id}.",
        "extensions": {"code": "INTERNAL", "id": error_id},
    }


def log_unexpected(error_id: str, error: BaseException) -> None:
    """Log its type and traceback; never its message, which may quote a mail or an address."""
    state = getattr(error, "sqlstate", None)
    kind = f"{type(error).__name__} (SQLSTATE {state})" if state else type(error).__name__
    _log.error("error %s: %s\n%s", error_id, kind, "".join(traceback.format_tb(error.__traceback__)))


def _origin(error: GraphQLError) -> Exception | None:
    """What a resolver raised; None for an error of the document, the variables or an argument."""
    original = error.original_error
    while isinstance(original, GraphQLError):
        original = original.original_error
    return original
