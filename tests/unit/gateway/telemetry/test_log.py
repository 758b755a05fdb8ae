"""Log lines: JSON, with ids and counts, without the message of an exception."""

from __future__ import annotations

import logging
import sys
from uuid import UUID

import orjson

from gateway.telemetry.log import JsonLines

MESSAGE_ID = UUID(int=42)


def line(
    message: str, *values: object, extra: dict[str, object] | None = None, exc_info: bool = False
) -> dict[str, object]:
    """Returns a logger's record as its line."""
    found = sys.exc_info() if exc_info else None
    record = logging.getLogger("gateway.tests").makeRecord(
        "gateway.tests", logging.WARNING, __file__, 1, message, values, found, extra=extra
    )
    shown: dict[str, object] = orjson.loads(JsonLines().format(record))
    return shown


def test_a_line_has_time_level_logger_and_message() -> None:
    shown = line("message %s waits", MESSAGE_ID, extra={"fields": {"worker": "w1"}})

    assert (shown["level"], shown["logger"], shown["worker"]) == ("warning", "gateway.tests", "w1")
    assert shown["message"] == f"message {MESSAGE_ID} waits"
    assert str(shown["at"]).endswith("+00:00")


def test_an_error_has_its_type_and_traceback_and_not_its_message() -> None:
    try:
        raise ValueError("no mail to ann@customer.example")
    except ValueError:
        shown = line("message %s cannot be composed", MESSAGE_ID, exc_info=True)

    assert shown["error"] == "ValueError"
    assert "test_log.py" in str(shown["at_lines"])
    assert "ann@customer.example" not in str(shown)
