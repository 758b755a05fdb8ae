"""What a person types to find mail: a message's id, its Message-ID, or words."""

from __future__ import annotations

import re
from uuid import UUID

from gateway.mail.message import MessageRef
from service.errors import BadInput
from service.graph.node import LARGEST_BIGINT, read_id

LONGEST_SEARCH = 320
"""Characters: an address's own limit, and more words than a subject has."""

_MESSAGE_ID = re.compile(r"<?([0-9a-f]{32})\.([1-9][0-9]{0,18})@[^@<>\s]+>?", re.IGNORECASE)
_KINDS = frozenset({"Message", "EmailInfo", "ConnectionNote", "SentEmail"})


def check_search(text: str) -> None:
    """Raises BadInput for a text that nothing is found by."""
    if named_message(text) is None and not words_of(text):
        raise BadInput("search", "needs a letter or digit; leave it out to list all")


def named_message(text: str) -> MessageRef | None:
    """The message that a global id or a Message-ID names: both hold its whole key. None for other texts."""
    found = read_id(text)
    if found is not None and found.type in _KINDS and found.customer_id is not None and found.row_id is not None:
        return MessageRef(customer_id=found.customer_id, message_id=found.row_id)
    header = _MESSAGE_ID.fullmatch(text)
    if header is None or int(header[2]) > LARGEST_BIGINT:
        return None
    return MessageRef(customer_id=int(header[2]), message_id=UUID(hex=header[1]))


def words_of(text: str) -> str:
    """The words as PostgreSQL's tsquery, all of them wanted; empty for a text without any."""
    return " & ".join(f"'{word}'" for word in re.findall(r"\w+", text.casefold()))
