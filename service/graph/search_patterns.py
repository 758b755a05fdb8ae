"""Patterns of searches: for customers words of a name, parts of an address or of an external ref; else a part."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

import strawberry

from gateway.mail.address import with_a_labels
from service.errors import BadInput

SHORTEST_PART = 3
"""Letters or digits in a row: a trigram index finds no shorter part of a word."""
LONGEST_SEARCH = 320
"""Characters: an address's own limit."""
LONGEST_PART = 255
"""Characters of a part of a name or title: no name that is searched for is longer."""

SearchArgument = Annotated[
    str | None,
    strawberry.argument(
        description="Words of a name in any order, accents ignored; part of an address or external ref, spaces and "
        "dashes ignored; three letters or digits in a row, else a whole word."
    ),
]


def read_search(search: str) -> dict[str, str | list[str] | None]:
    """Returns the patterns of what a search finds, by the parameters of `customers_found`; each has a trigram that an
    index has. Raises BadInput."""
    if len(search) > LONGEST_SEARCH:
        raise BadInput("search", f"is at most {LONGEST_SEARCH} characters")
    if not _longest_run(folded(search)):
        raise BadInput("search", "needs a letter or digit; leave it out to list all")
    search = unicodedata.normalize("NFC", search)
    # A domain is stored in A-labels, and typed as it is read.
    stored = search if search.isascii() or " " in search else with_a_labels(search)
    words = sorted(name_words(search), key=_longest_run, reverse=True)
    # Beside a longer word a short one is the beginning of a name that is still being typed.
    whole = "" if words and _is_part(words[0]) else " "
    patterns = [f"%{word}%" if _is_part(word) else f"% {word}{whole}%" for word in words]
    return {
        "word": patterns[0],
        "other_words": patterns[1:],
        "reference": _pattern(reference_key(search)),
        "address": _pattern(search),
        "in_a_labels": _pattern(stored) if stored != search else None,
    }


def read_part(search: str | None) -> str | None:
    """Returns the pattern of what contains a search's text, as of a name or title; None for none. Raises BadInput."""
    if search is None:
        return None
    if len(search) > LONGEST_PART:
        raise BadInput("search", f"is at most {LONGEST_PART} characters")
    return f"%{literal(search.strip())}%"


def literal(text: str) -> str:
    """Returns the pattern of a text itself."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def folded(text: str) -> str:
    """Returns a text without accents and case, as the ledger's function of this name does."""
    bare = re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFKD", text))
    cased = unicodedata.normalize("NFKC", bare).casefold().translate(_LETTERS)
    return cased.replace("æ", "ae").replace("œ", "oe")


_LETTERS = str.maketrans("øđłıð", "odlid")
_APOSTROPHES = str.maketrans("", "", "'’ʼ")


def name_words(text: str) -> list[str]:
    """Returns the words of a name, folded, as the ledger's function of this name does."""
    signs = folded(text).translate(_APOSTROPHES)
    return "".join(" " if sign.isspace() or unicodedata.category(sign)[0] == "P" else sign for sign in signs).split()


def reference_key(text: str) -> str:
    """Returns a reference, folded, without spaces and dashes, as the ledger's function of this name does."""
    return re.sub(r"[\s\u2010-\u2015\u2212-]", "", folded(text))


def _pattern(text: str) -> str:
    """What contains the text, or is the text where an index finds no part of it."""
    return f"%{literal(text)}%" if _is_part(text) else literal(text)


def _is_part(text: str) -> bool:
    return _longest_run(text) >= SHORTEST_PART


def _longest_run(text: str) -> int:
    """How many letters, their marks, and digits stand in a row at most: in many scripts a vowel is a mark.

    As pg_trgm sees them, so that a trigram is there to be looked up: to it `\u0301` or `²` parts two words.
    """
    signs = "".join(sign if _is_in_trigrams(sign) else " " for sign in text)
    return max((len(run) for run in signs.split()), default=0)


def _is_in_trigrams(sign: str) -> bool:
    category = unicodedata.category(sign)
    return category[0] in "LMN" and category != "No" and not "\u0300" <= sign <= "\u036f"
