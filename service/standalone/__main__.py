"""`python -m service.standalone`: what `make run` runs."""

from __future__ import annotations

import os
import sys

from service.standalone.errors import LaunchError
from service.standalone.launch import launch
from service.standalone.options import read_options


def main() -> int:
    """Returns the exit code: 1, with one sentence on stderr, when the product cannot start."""
    try:
        return launch(read_options(os.environ))
    except LaunchError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
