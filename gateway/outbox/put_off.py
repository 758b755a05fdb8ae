"""Work that raises every time is put off, so that what comes behind it goes on.

A job takes the first mailing, decision or bulk action. One whose batch raises, for a reason of its own, would be the
first again at once; here it waits instead, longer every time, and is tried again for as long as it is there.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import asyncpg

from gateway.database import AWAY, QUERIES, Connection

log = logging.getLogger(__name__)

FIRST = timedelta(seconds=10)
"""The first wait: what two workers spoilt for each other is over by then."""
LONGEST = timedelta(minutes=10)
"""What a person mends goes on within this time, without a command."""


_TOO_LONG = (asyncpg.QueryCanceledError, TimeoutError)


class Work(StrEnum):
    """What can be put off."""

    MAILING = "MAILING"
    DECISION = "DECISION"
    BULK_ACTION = "BULK_ACTION"


@dataclass(kw_only=True, slots=True)
class Taken:
    """What a batch works at; None until it has taken something."""

    work: Work
    id: int | None = None


@contextlib.asynccontextmanager
async def put_off_if_it_fails(connection: Connection, work: Work) -> AsyncIterator[Taken]:
    """One batch, in a transaction: it notes in `Taken` what it works at. Where it raises, that is put off; where it
    succeeds, that is forgotten.

    Raises what the batch raises, with nothing of it written. A database that is away is no reason of the work's; a
    statement that takes too long is.
    """
    taken = Taken(work=work)
    try:
        async with connection.transaction():
            yield taken
            if taken.id is not None:
                await QUERIES.forget_put_off(connection, work=work, id=taken.id)
    except Exception as error:
        is_its_own = isinstance(error, _TOO_LONG) or not isinstance(error, AWAY)
        if taken.id is not None and is_its_own:
            await _put_off(connection, taken.id, work, error)
        raise


async def _put_off(connection: Connection, of: int, work: Work, error: Exception) -> None:
    with contextlib.suppress(*AWAY):  # then it was away after all
        until = await QUERIES.put_off(
            connection, work=work, id=of, first=FIRST, longest=LONGEST, error=type(error).__name__
        )
        log.error("%s %d failed and is put off until %s", work.lower().replace("_", " "), of, until.isoformat())
