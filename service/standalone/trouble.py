"""The launcher's one error."""

from __future__ import annotations


class LaunchError(Exception):
    """What keeps the product from starting, as one sentence that says what to do."""
