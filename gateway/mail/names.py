"""Names of people, senders, files and campaigns as they are kept: what is shown is what they say."""

from __future__ import annotations

import re
import unicodedata

# Unicode's Bidi_Control, which shows letters in another order than they have, and two signs of no width and no meaning.
_HIDDEN = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def tidy_name(name: str) -> str:
    """Returns a name in NFC, with one space between words, without signs that reorder or hide text; empty where nothing
    else was in it."""
    return " ".join(_HIDDEN.sub("", unicodedata.normalize("NFC", name)).split())
