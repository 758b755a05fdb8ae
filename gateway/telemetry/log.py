"""Structured logs: one JSON object a line on standard error, with ids and counts and no personal data."""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime

import orjson

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Formats a record as JSON: time, level, logger, message, the fields of `extra`, an error's type and traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns one line."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in record.__dict__.items() if name not in _STANDARD},
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
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("arq", "asyncio", "aiosmtplib"):
        logging.getLogger(name).setLevel(logging.WARNING)
