"""HTML's character references (`&amp;`, `&#65;`) decoded, however many digits they have."""

from __future__ import annotations

import re
from html import unescape

_LEADING_ZEROS = re.compile(r"(?i)(&#x?)0+(?=[0-9a-f])")
_TOO_LARGE = re.compile(r"(&#[0-9]{8})[0-9]+")


def decode(text: str) -> str:
    """Returns a text without references. Numbers above Unicode's become U+FFFD, as browsers show them.

    `html.unescape` alone raises ValueError above 4,300 digits, and its time grows with their square.
    """
    return unescape(_TOO_LARGE.sub(r"\1", _LEADING_ZEROS.sub(r"\1", text)))
