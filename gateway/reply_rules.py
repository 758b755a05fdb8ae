"""The rules by which earlier mail is told from what a person wrote anew: from `gateway/rules/replies.toml`, checked,
made into values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from gateway.mail.phrases import Phrases
from gateway.mail.reply import ReplyRules
from gateway.mail.reply_html import HtmlMarks
from gateway.report_rules import phrases
from gateway.rule_files import RulesError, read_rules_file

_PHRASES = ("separators", "forwards", "attributions", "attribution_lines", "mobile", "below")
_HTML = ("quotes", "history", "starts", "attributions")


@cache
def read_reply_rules() -> ReplyRules:
    """The rules for `gateway.mail.reply.read_reply`. Raises RulesError when one is wrong."""
    return reply_rules(read_rules_file("replies"))


def reply_rules(table: Mapping[str, Any]) -> ReplyRules:
    """Make rules of `replies.toml`'s content. Raises RulesError when one is wrong."""
    unknown = set(table) - {*_PHRASES, "labels", "html"}
    if unknown:
        raise RulesError(f"replies.toml: unknown table {min(unknown)!r}; known are {', '.join(_PHRASES)}, labels, html")
    return ReplyRules(
        separators=_phrases(table, "separators"),
        forwards=_phrases(table, "forwards"),
        attributions=_phrases(table, "attributions"),
        attribution_lines=_phrases(table, "attribution_lines"),
        mobile=_phrases(table, "mobile"),
        below=_phrases(table, "below"),
        from_labels=frozenset(_words(table, "labels", "from")),
        subject_labels=frozenset(_words(table, "labels", "subject")),
        other_labels=frozenset(_words(table, "labels", "other")),
        html=HtmlMarks(**{name: _words(table, "html", name) for name in _HTML}),
    )


def examples(table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The lines that the phrases of this table know. Raises RulesError without any."""
    found = table.get(name, {}).get("examples")
    if not isinstance(found, list) or not found:
        raise RulesError(f"replies.toml: [{name}] needs examples, one line at least for each phrase")
    return tuple(str(example) for example in found)


def _phrases(table: Mapping[str, Any], name: str) -> Phrases:
    examples(table, name)
    try:
        return phrases(table[name]["text"])
    except (KeyError, TypeError, ValueError, re.error) as error:
        raise RulesError(f"replies.toml: [{name}] needs text, a list of phrases: {error}") from error


def _words(table: Mapping[str, Any], name: str, key: str) -> tuple[str, ...]:
    found = table.get(name, {}).get(key)
    if not isinstance(found, list) or not found or not all(isinstance(word, str) and word for word in found):
        raise RulesError(f"replies.toml: [{name}] needs {key}, a list of words")
    for word in found:
        if word != word.lower():
            raise RulesError(f"replies.toml: [{name}] {key}: {word!r} has capitals, and is compared with small letters")
    return tuple(found)
