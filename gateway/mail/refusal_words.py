"""What a refusal says without whom it was said of: refusals of many recipients become equal. Pure."""

from __future__ import annotations

import re

from gateway.mail.verdict import plain_words

LONGEST_WORDS = 300
"""Characters kept: what a server says of every recipient stands at the start of its reply."""

# A word with a digit, an address, an id, or a sign within: of a name of a host, a URL, a pair of name and value.
_SPECIAL = re.compile(r"\d|[@#]|\w[.:/=_]+\w")
_AROUND = "<>()[]{}\"'`.,;:!"


def refusal_words(code: int, enhanced: str | None, text: str, address: str) -> str:
    """The fingerprint of a refusal: its codes, and its words without `address` and its parts, other addresses, names of
    hosts, ids, URLs and numbers. In lower case; at most 312 characters. Holds nothing of one recipient."""
    local, _, domain = address.lower().rpartition("@")
    own = {local, domain}
    words = (word.strip(_AROUND) for word in plain_words(text).split())
    kept = " ".join(word for word in words if word and word not in own and not _SPECIAL.search(word))
    return f"{code} {enhanced or ''} {kept[:LONGEST_WORDS]}".replace("  ", " ").strip()
