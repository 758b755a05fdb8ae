"""DATA/demo.json: which steps of the demo are done, so that the next start continues where the last one stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Checkpoint:
    """The result of each step that is done, by its name. `steps` is what the file holds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.steps: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def once(self, step: str, run: Callable[[], Any]) -> Any:
        """Returns the step's result: recorded by an earlier run, or that of `run`, which is then recorded."""
        if step not in self.steps:
            self.record(step, run())
        return self.steps[step]

    def record(self, step: str, result: Any) -> None:
        """Write a step's result at once, atomically."""
        self.steps[step] = result
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(self.steps, indent=1))
        fresh.rename(self._path)
