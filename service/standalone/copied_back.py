"""An earlier copy of the launcher's directory was put back: what waited in it may have been sent since."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from service.standalone.errors import LaunchError


def deal_with_restore(name: str, environment: Mapping[str, str]) -> str:
    """Have the gateway deal with it, before one starts; `name` is who says so. Returns what it did. Raises LaunchError.

    A copy of a server's files shows nothing of being one, so it is done each time that it is said.
    """
    command = [sys.executable, "-m", "gateway", "restored", "--anyway", "--name", name]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LaunchError(f"RESTORED={name}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.strip()
