"""The rules by which delivery reports for people are read: from `gateway/rules/reports.toml`, checked, made into
values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from gateway.mail.delivery_status import ReportAction
from gateway.mail.phrases import Phrases
from gateway.mail.report_text import Form, ReportRules
from gateway.rule_files import RulesError, read_rules_file

_TABLES = {"senders": "systems"} | {
    name: name
    for name in (
        "forwarded", "refused", "automatic", "delayed", "list_starts", "list_ends", "copy_starts", "labels",
        "sentences", "no_recipient",
    )
}  # fmt: skip
"""The tables of phrases, and what they are called in `ReportRules`."""


@cache
def read_report_rules() -> ReportRules:
    """The rules for `gateway.mail.dsn.read_report`. Raises RulesError when one is wrong."""
    return report_rules(read_rules_file("reports"))


def report_rules(table: Mapping[str, Any]) -> ReportRules:
    """Make rules of `reports.toml`'s content. Raises RulesError when one is wrong."""
    unknown = set(table) - set(_TABLES) - {"form"}
    if unknown:
        raise RulesError(f"reports.toml: unknown table {min(unknown)!r}; known are {', '.join(_TABLES)} and form")
    forms = tuple(_form(entry) for entry in table.get("form", []))
    names = [form.name for form in forms]
    for name in names:
        if names.count(name) > 1:
            raise RulesError(f"reports.toml, form {name!r}: the name is taken; reports keep it, so it names one form")
    return ReportRules(forms=forms, **{kept: _table(table, name) for name, kept in _TABLES.items()})


def _table(table: Mapping[str, Any], name: str) -> Phrases:
    try:
        return phrases(table[name]["text"])
    except (KeyError, TypeError, ValueError, re.error) as error:
        raise RulesError(f"reports.toml: [{name}] needs text, a list of phrases: {error}") from error


def _form(entry: Mapping[str, Any]) -> Form:
    name = str(entry.get("name", ""))
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise RulesError(f"reports.toml: a form needs a name such as 'qmail', not {name!r}")
    unknown = set(entry) - {"name", "opening", "subject", "system_only", "receipt", "action", "example"}
    if unknown:
        raise RulesError(f"reports.toml, form {name!r}: unknown key {min(unknown)!r}")
    if not entry.get("opening") and not entry.get("subject"):
        raise RulesError(f"reports.toml, form {name!r}: opening and subject are missing; it would fit every mail")
    try:
        return Form(
            name=name,
            opening=phrases(entry["opening"]) if "opening" in entry else None,
            subject=phrases(entry["subject"]) if "subject" in entry else None,
            system_only=bool(entry.get("system_only", False)),
            receipt=bool(entry.get("receipt", False)),
            action=ReportAction(entry["action"]) if "action" in entry else None,
            example=str(entry["example"]),
        )
    except KeyError as error:
        raise RulesError(f"reports.toml, form {name!r}: {error.args[0]} is missing") from error
    except (ValueError, TypeError, re.error) as error:
        raise RulesError(f"reports.toml, form {name!r}: {error}") from error


def phrases(sources: Any) -> Phrases:
    """Phrases in small letters. Raises ValueError for others: the lines they are searched in have no capitals."""
    if not isinstance(sources, list) or not sources or not all(isinstance(source, str) for source in sources):
        raise ValueError(f"{sources!r} is not a list of phrases")
    for source in sources:
        bare = re.sub(r"\\.", "", source)
        if bare != bare.lower():
            raise ValueError(f"{source!r} has capitals, and the words it is searched in have none")
    return Phrases(sources)
