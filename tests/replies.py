"""The corpus of replies (`tests/corpus/replies`), and what is expected of each."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "corpus" / "replies"

REPLIES = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.eml"))}
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "expected.toml").read_text(encoding="utf-8"))
