"""What a person types to find mail: a message's id, its Message-ID, or words."""

from __future__ import annotations

import re
from uuid import UUID

from gateway.mail.message import MessageRef
from gateway.mail.search_words import LONGEST_SEARCH, WordQuery, query_words
from service.errors import BadInput
from service.graph.node import LARGEST_BIGINT, read_id

LONGEST_NAME = 400
"""Characters of an address, or of a Message-ID with a long domain."""

_MESSAGE_ID = re.compile(r"(?:message-id:\s*)?<?([0-9a-f]{32})\.([1-9][0-9]{0,18})@[^@<>\s]+>?", re.IGNORECASE)
_KINDS = frozenset({"Message", "EmailInfo", "ConnectionNote", "SentEmail"})


def check_search(text: str) -> None:
    """Raises BadInput for a text that nothing is found by."""
    if len(text) > LONGEST_NAME:
        raise BadInput("search", f"is at most {LONGEST_SEARCH} characters")
    if named_message(text) is not None:
        return
    if len(text) > LONGEST_SEARCH and "@" not in text:
        raise BadInput("search", f"is at most {LONGEST_SEARCH} characters")
    if words_of(text) is None:
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


def words_of(text: str) -> WordQuery | None:
    """Its words, all of them wanted; None for a text without any."""
    return query_words(text)
