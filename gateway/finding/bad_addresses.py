"""Addresses that take no mail: a projection of what became of the newest mail to each of a customer's addresses.

An address is listed from a failure that speaks of it on, or once other failures keep coming. It is off the list again
when a server takes mail to it, when what stopped all mail to it is lifted, when the mail that failed last is dismissed
or tried again, and when the customer loses it: the last by triggers, which every writer meets.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.mail.message import MessageRef
from gateway.mail.verdict import ONCE_SUFFICES, THEY_KEEP_COMING

DEPTH = 200
"""Messages of a customer that are read: years of them, and some 0.2 ms."""
KEEP_COMING = 3
"""Failures without a success between that say something of an address, though their words do not."""


async def keep_bad_addresses(connection: Connection, deployment: Deployment, changed: Sequence[MessageRef]) -> None:
    """Look again at the customers of these messages; what is accepted costs two look-ups, where nothing had failed."""
    await QUERIES.keep_bad_addresses(
        connection,
        customer_ids=[ref.customer_id for ref in changed],
        message_ids=[ref.message_id for ref in changed],
        speaks=sorted(ONCE_SUFFICES),
        repeats=sorted(THEY_KEEP_COMING),
        often=KEEP_COMING,
        depth=DEPTH,
    )
