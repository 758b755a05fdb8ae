"""Words of mailings' subjects: by them accepted campaign mail is found, which has no words of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.mail.message import MessageRef
from gateway.mail.search_words import text_words

_FIELD = re.compile(r"\{\{.*?\}\}")


async def write_mailing_words(connection: Connection, _: Deployment, changed: Sequence[MessageRef]) -> None:
    """Keep the words of the mailings of these messages, once a mailing; behind their search rows."""
    ids = [ref.message_id for ref in changed]
    found = [row async for row in QUERIES.mailings_without_words(connection, message_ids=ids)]
    words = [{"mailing_id": row["id"], "words": subject_words(row["subject"])} for row in found]
    if words:
        await QUERIES.keep_mailing_words(connection, words)


def subject_words(subject: str) -> list[str]:
    """The lexemes of a subject line without its fields, whose values are each customer's own."""
    return list(dict.fromkeys(text_words(_FIELD.sub(" ", subject))))
