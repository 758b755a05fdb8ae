"""`python -m service.standalone`: what `make run` runs."""

from __future__ import annotations

import os
import sys

from service.standalone.launch import launch
from service.standalone.options import read_options
from service.standalone.trouble import LaunchError


def main() -> int:
    """Exit code 1 and one sentence on stderr when it cannot start."""
    try:
        return launch(read_options(os.environ))
    except LaunchError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
