"""The launcher's error."""

from __future__ import annotations


class LaunchError(Exception):
    """The product cannot start. The message is one sentence that says what to do."""
