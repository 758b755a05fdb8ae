"""The files of received mail, read out of the mail when somebody asks for one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from gateway.database import QUERIES, ConnectionOrPool
from gateway.errors import Refusal, RefusalCode
from gateway.mail.received import read_mail
from gateway.storage import content


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedFile:
    """A file as it came, without its transfer encoding. Nothing of it is checked: serve it as an attachment only."""

    name: str
    media_type: str
    content: bytes


async def read_file(connection: ConnectionOrPool, *, customer_id: int, message_id: UUID, position: int) -> ReceivedFile:
    """Returns a file of a received message by its place among the message's attachments; parsed in a thread.

    Raises Refusal(NOT_FOUND): no such message or file, or erased.
    """
    row = await QUERIES.received_file(connection, customer_id=customer_id, message_id=message_id, position=position)
    octets = await asyncio.to_thread(_octets, row) if row is not None else None
    if row is None or octets is None:
        raise Refusal(RefusalCode.NOT_FOUND, "There is no such file.", ("position",))
    return ReceivedFile(name=row["name"], media_type=row["media_type"], content=octets)


def _octets(row: Any) -> bytes | None:
    raw = content.decode(row)
    part = next(islice(read_mail(raw).root.walk(into_mails=False), row["part"], None), None)
    return part.whole(raw) if part is not None else None
