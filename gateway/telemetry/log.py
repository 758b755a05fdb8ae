"""Structured logs: one JSON object a line on standard error, with ids and counts and no personal data."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

_LEVELS = {number: logging.getLevelName(number).lower() for number in (10, 20, 30, 40, 50)}
_NO_FIELDS: Mapping[str, Any] = {}


class JsonLines(logging.Formatter):
    """Formats a record as JSON: time, level, logger, message, what `extra` has as `fields`, an error's type and
    traceback. A record whose `extra` has `lines`, JSON already, stands for those."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns one line, or the record's own."""
        lines: Sequence[str] | None = getattr(record, "lines", None)
        if lines is not None:
            return "\n".join(lines)
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": _LEVELS.get(record.levelno) or record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", _NO_FIELDS),
        }
        if record.exc_info and record.exc_info[0] is not None:
            # An exception's message may hold personal data: its type and traceback are enough.
            line["error"] = record.exc_info[0].__name__
            line["at_lines"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(record.exc_info[2])
            ]
        return orjson.dumps(line, default=str).decode()


def log_as_json(level: int = logging.INFO) -> None:
    """Send every logger's records to standard error as JSON lines; libraries only from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    # A line names its logger, not its caller, process or thread: to look for those costs as much as to write the line.
    logging._srcfile = None  # documented in the logging HOWTO, under "Optimization"
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # "mail.log" is aiosmtpd's, which would write every client's address.
    for name in ("arq", "asyncio", "aiosmtplib", "mail.log"):
        logging.getLogger(name).setLevel(logging.WARNING)
