"""Words by which mail is found across customers: of the mail, as lexemes, and of a search, as a query over them. Pure.

Both are made alike: NFKC, case folded, the marks of Latin and Greek letters taken off (Müller is muller; kana, Hangul
and Indic letters keep theirs, which are no decoration). A letter word is kept whole, and by its first three and five
letters (`^mul`, `^mulle`), by which longer words are found while they are typed. A number is kept by its parts and
joined: `INV-1005/07` as inv, 1005, 07 and inv100507. Scripts that put no spaces are kept by characters and by pairs of
them. Everything is linear in the text, which is cut at a limit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from gateway.mail.address import with_a_labels

LONGEST_SEARCH = 200
"""Characters of a search: a subject that is pasted whole."""
LONGEST_TEXT = 1000
"""Characters of one text that are kept: a subject has 998 (RFC 5322 2.1.1); a server says first what it means."""
MAX_LEXEMES = 300
"""Lexemes of one message: some fifty words, twice what mail usually has; what comes first is kept."""

_LONGEST_LEXEME = 64
"""Characters: the longest ids of queues have 60. Longer words are cut, in the mail as in the search."""
_SHORT, _LONG = 3, 5
"""Letters of the prefixes that are kept. One and two letters find whole words only."""
_MAX_PARTS = 4
"""Parts of a word of letters and digits; what has more is an id, and found whole."""

_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
"""Latin letters whose mark is no combining one."""
_SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{_SPACELESS}]+|[^{_SPACELESS}]+")
_IS_SPACELESS = re.compile(f"[{_SPACELESS}]")
_PARTS = re.compile(r"\d+|\D+")
_ADDRESS = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}")
_AROUND = "<>()[]{}\"'`.,;:!?"


@dataclass(frozen=True, kw_only=True, slots=True)
class WordQuery:
    """A search as two tsqueries. `lexemes` is for the index: it finds all that matches, and of words longer than the
    prefixes that are kept some that do not. `recheck` leaves those out where it is not None: for the rows found, never
    for the index, which reads every word with such a beginning. `terms` are what `lexemes` asks for together: no more
    messages have all of them than have any one."""

    lexemes: str
    recheck: str | None = None
    terms: tuple[str, ...] = ()


# Of a search --------------------------------------------------------------------------------------------------------


def query_words(search: str) -> WordQuery | None:
    """What a search asks for, all of its words; None when it has none (punctuation). Reads LONGEST_SEARCH characters.

    A word of three letters and more also finds longer ones that begin so; numbers, ids and addresses find themselves.
    """
    terms = [_asked(chunk) for chunk in search[:LONGEST_SEARCH].split()]
    lexemes = _all(term.lexemes for term in terms if term is not None)
    if not lexemes:
        return None
    checked = _all(term.recheck or term.lexemes for term in terms if term is not None)
    return WordQuery(
        lexemes=lexemes,
        recheck=None if checked == lexemes else checked,
        terms=tuple(dict.fromkeys(term.lexemes for term in terms if term is not None)),
    )


def _asked(chunk: str) -> WordQuery | None:
    address = _whole_address(chunk)
    if address:
        return WordQuery(lexemes=_quoted(address))
    words = _words(folded(chunk))
    terms = [_asked_word(word) for word in words]
    if not terms:
        return None
    lexemes = _all(term.lexemes for term in terms)
    recheck = _all(term.recheck or term.lexemes for term in terms)
    joined = _joined(words)
    if joined:
        lexemes, recheck = f"({_quoted(joined)} | {lexemes})", f"({_quoted(joined)} | {recheck})"
    return WordQuery(lexemes=lexemes, recheck=recheck)


def _asked_word(word: str) -> WordQuery:
    if _IS_SPACELESS.match(word):
        return WordQuery(lexemes=_all(map(_quoted, _pairs(word) or [word])))
    if not _has_digit(word):
        return _asked_letters(word)
    parts = _parts(word)
    if not parts:
        return WordQuery(lexemes=_quoted(word))
    return WordQuery(lexemes=f"({_quoted(word)} | {_all(map(_quoted, parts))})")


def _asked_letters(word: str) -> WordQuery:
    if len(word) < _SHORT:
        return WordQuery(lexemes=_quoted(word))
    kept = _LONG if len(word) >= _LONG else _SHORT
    return WordQuery(lexemes=_quoted(f"^{word[:kept]}"), recheck=f"{_quoted(word)}:*" if len(word) > kept else None)


def _all(terms: Iterable[str]) -> str:
    """A tsquery of all of these; nothing for none."""
    found = list(dict.fromkeys(terms))
    return found[0] if len(found) == 1 else f"({' & '.join(found)})" if found else ""


def _quoted(lexeme: str) -> str:
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


# Of mail ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class MailTexts:
    """What a message is found by. `accepted` are answers of servers that took it, `others` answers that did not, with
    their codes, and reports; names and addresses are of everybody who got it, or of who wrote it."""

    subject: str | None
    reference: str | None
    names: Sequence[str]
    addresses: Sequence[str]
    accepted: Sequence[str]
    others: Sequence[str]


def mail_words(texts: MailTexts) -> list[str]:
    """The lexemes of a message, each once, at most MAX_LEXEMES: its reference and its people first."""
    found: dict[str, None] = {}
    for lexeme in _lexemes(texts):
        if len(found) == MAX_LEXEMES:
            break
        found[lexeme] = None
    return list(found)


def _lexemes(texts: MailTexts) -> Iterator[str]:
    yield from text_words(texts.reference or "")
    for answer in texts.accepted:
        found = queue_id(answer)
        if found:
            yield from text_words(found)
    for address in texts.addresses:
        yield from address_words(address)
    for text in (*texts.names, texts.subject or "", *texts.others):
        yield from text_words(text)


def address_words(address: str) -> Iterator[str]:
    """The lexemes of an address: all of it, and the words of its local part."""
    whole = _whole_address(address)
    if whole:
        yield whole
    yield from text_words(address.rpartition("@")[0])


def text_words(text: str) -> Iterator[str]:
    """The lexemes of a text, of its first LONGEST_TEXT characters."""
    for chunk in text[:LONGEST_TEXT].split():
        words = _words(folded(chunk))
        whole = _whole_address(chunk) or _joined(words)
        if whole:
            yield whole
        for word in words:
            yield from _kept(word)


def _kept(word: str) -> Iterator[str]:
    if _IS_SPACELESS.match(word):
        yield from word
        yield from _pairs(word)
        return
    yield word
    parts = _parts(word) if _has_digit(word) else []
    yield from parts
    for letters in parts or [word]:
        if not _has_digit(letters):
            yield from (f"^{letters[:kept]}" for kept in (_SHORT, _LONG) if len(letters) >= kept)


_QUEUE_IDS = (
    re.compile(r"queued as ([\w.-]{4,64})", re.IGNORECASE),  # Postfix, and many that follow it
    re.compile(r"\bids?=([\w.-]{4,64})"),  # Exim, KumoMTA
    re.compile(r"([\w.-]{4,64}) message accepted for delivery", re.IGNORECASE),  # Sendmail, OpenSMTPD, Proofpoint
    re.compile(r"\bInternalId=(\d{4,30})"),  # Exchange
    re.compile(r"\b\d{9,11} ([\w.-]{8,64}) - gsmtp"),  # Google
    re.compile(r"^(?:250[ -])?(?:2\.\d\.\d )?ok:? ([0-9a-f]{8,20}-[0-9a-f-]{20,64})", re.IGNORECASE),  # Amazon SES
    re.compile(r"\bqp (\d{3,12})\b"),  # qmail
    re.compile(r"message queued \(([\w.-]{8,64})\)", re.IGNORECASE),  # Haraka
)


def queue_id(answer: str) -> str | None:
    """The id under which a server says that it keeps a mail; None where its answer names none that we know."""
    for form in _QUEUE_IDS:
        found = form.search(answer[:LONGEST_TEXT])
        if found:
            return found[1]
    return None


# Of both ------------------------------------------------------------------------------------------------------------


def folded(text: str) -> str:
    """A text as it is compared."""
    if text.isascii():
        return text.lower()
    once = unicodedata.normalize("NFKC", text).casefold().translate(_LETTERS)
    return "".join(map(_plain, unicodedata.normalize("NFKC", once)))


@lru_cache(maxsize=4096)
def _plain(char: str) -> str:
    """A character without its mark, if it is a Latin or Greek letter; nothing for such a mark alone."""
    if char.isascii():
        return char
    if "\u0300" <= char <= "\u036f":
        return ""
    if unicodedata.name(char, "").startswith(("LATIN ", "GREEK ")):
        return "".join(one for one in unicodedata.normalize("NFD", char) if not unicodedata.combining(one))
    return char


@cache
def _word() -> re.Pattern[str]:
    r"""Letters, digits and the marks of letters, which `\w` leaves out."""
    marks = "".join(chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code)) in ("Mn", "Mc"))
    return re.compile(rf"(?:[^\W_]|[{marks}])+")


_ASCII_WORD = re.compile(r"[a-z0-9]+")


def _words(text: str) -> list[str]:
    """The words of a folded text: runs of letters and digits, apart where a script without spaces begins or ends."""
    if text.isascii():
        return [word[:_LONGEST_LEXEME] for word in _ASCII_WORD.findall(text)]
    return [run[:_LONGEST_LEXEME] for word in _word().findall(text) for run in _RUN.findall(word)]


def _joined(words: Sequence[str]) -> str | None:
    """Numbers and letters that punctuation joins, without it; None for other words, and for what is longer than an
    id."""
    if len(words) < 2 or not any(map(_has_digit, words)):
        return None
    joined = "".join(words)
    return joined if len(joined) <= _LONGEST_LEXEME else None


def _parts(word: str) -> list[str]:
    """The letters and the digits of a word that has both; none for an id."""
    parts = _PARTS.findall(word)
    return parts if 1 < len(parts) <= _MAX_PARTS else []


def _pairs(word: str) -> list[str]:
    """Each two characters that follow one another."""
    return [word[place : place + 2] for place in range(len(word) - 1)]


def _has_digit(word: str) -> bool:
    return any(map(str.isdecimal, word))


def _whole_address(chunk: str) -> str | None:
    """An address as it is compared; None for what is none."""
    if "@" not in chunk:
        return None
    bare = chunk.strip(_AROUND)
    return with_a_labels(bare).casefold()[:320] if _ADDRESS.fullmatch(bare) else None
