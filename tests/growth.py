"""How the work of reading grows with its input: CPU time of one size and of four times that size."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_LINEAR_WITH_ROOM = 10
"""Four times the input may take ten times as long: what is linear takes four times, what is quadratic sixteen."""
_TOO_SHORT = 0.2
"""Seconds of CPU that are no trouble, whatever the smaller input took: caches are in them."""


def expect_linear(read: Callable[[T], object], make: Callable[[int], T], size: int) -> None:
    """Fails when reading `make(4 * size)` takes more than in proportion to `make(size)`."""
    given = make(4 * size)
    long = _cpu(read, given)
    if long > _TOO_SHORT:
        long = min(long, *(_cpu(read, given) for _ in range(2)))
        short = min(_cpu(read, make(size)) for _ in range(3))
        assert long < max(_TOO_SHORT, short * _LINEAR_WITH_ROOM), f"{short:.3f} s of CPU grew to {long:.3f} s"


def _cpu(read: Callable[[T], object], given: T) -> float:
    """This thread's, and without garbage collection: what other tests have left in the process is not the reader's."""
    gc.disable()
    try:
        began = time.thread_time()
        read(given)
        return time.thread_time() - began
    finally:
        gc.enable()
