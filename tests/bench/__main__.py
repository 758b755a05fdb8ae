"""`make bench`: every row beside its ceiling. ONLY=name runs rows whose name starts so; FULL=1 runs at full size."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys

import uvloop

import tests.bench
from tests.bench.rows import FULL, ROWS, SHORT, keep, measure, shown


def main() -> int:
    """Measure, print, and write `.bench/results.json`. Returns 1 when ONLY matches no row."""
    for module in pkgutil.iter_modules(tests.bench.__path__):
        if module.name != "__main__":
            importlib.import_module(f"tests.bench.{module.name}")
    only = os.environ.get("ONLY", "")
    names = [name for name in ROWS if name.startswith(only)]
    if not names:
        print(f"ONLY={only} matches none of: {', '.join(ROWS)}", file=sys.stderr)
        return 1
    size = FULL if os.environ.get("FULL", "0") not in ("", "0") else SHORT
    for name in names:
        rows = measure(name, size, runner=uvloop.run)
        keep(rows)
        for row in rows:
            print(shown(row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
