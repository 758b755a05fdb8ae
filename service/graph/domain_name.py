"""A domain as a client names it: as addresses that the ledger has end with it."""

from __future__ import annotations

import re

from gateway.mail.address import with_a_labels

_LONGEST = 253
"""Characters of a domain name (RFC 1035 2.3.4: 255 octets, with the lengths of its first label and of its root)."""
_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
"""Labels of letters, digits and hyphens; received mail comes from names with underscores and of one label, too."""
_LITERAL = re.compile(r"\[[a-z0-9:.-]+\]")
"""An address literal (RFC 5321 4.1.3)."""


def read_domain(text: str) -> str | None:
    """The domain in A-labels and small letters; an `@` before it and the root's dot behind it may be given. None for
    what no address can end with."""
    name = text.strip().removeprefix("@").removesuffix(".")
    if not name or "@" in name or len(name) > _LONGEST:
        return None
    stored = with_a_labels(f"@{name}")[1:]
    return stored if _NAME.fullmatch(stored) or _LITERAL.fullmatch(stored) else None
