"""The corpus of delivery reports and complaints (`tests/corpus/reports`), and what is expected of each."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "corpus" / "reports"

MAILS = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.eml"))}
_TABLE: dict[str, Any] = tomllib.loads((FOLDER / "expected.toml").read_text(encoding="utf-8"))

OTHER_MAIL: list[str] = _TABLE.pop("other_mail")
REPORTS: dict[str, dict[str, Any]] = {name: entry for name, entry in _TABLE.items() if "form" in entry}
COMPLAINTS: dict[str, dict[str, Any]] = {name: entry for name, entry in _TABLE.items() if "complaint" in entry}
