"""Where the servers' sockets lie: a short path, for the owner alone."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

from service.standalone.trouble import LaunchError

_LONGEST = 107 - len("/.s.PGSQL.5432.lock")
"""A socket's path ends at 107 bytes (sun_path)."""
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")
"""PostgreSQL reads a list here, so that a comma, a space or a quote would need its own escapes."""


def make_run_directory(data: Path) -> Path:
    """`data/run`, or where its path is too long or odd, one in the temporary directory named for `data`."""
    inside = data / "run"
    if len(os.fsencode(inside)) <= _LONGEST and _PLAIN.fullmatch(str(inside)):
        inside.mkdir(mode=0o700, exist_ok=True)
        return inside
    mark = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    outside = Path(tempfile.gettempdir()) / f"customer-emails-{os.geteuid()}-{mark}"
    outside.mkdir(mode=0o700, exist_ok=True)
    found = outside.lstat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o077 or outside.is_symlink():
        raise LaunchError(f"{outside} belongs to somebody else or is open to others: remove it and start again.")
    return outside
