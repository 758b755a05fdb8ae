"""The verdict rules: read once from `gateway/rules/verdicts.toml`, checked, and made into values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

from gateway.mail.phrases import Phrases
from gateway.mail.response import TRANSACTION_STAGES, FaultKind, Stage
from gateway.mail.verdict import BAD_ADDRESS_CAUSES, Cause, FaultRule, Rule, Rules, Said, Scope, fits, fits_fault
from gateway.rule_files import RulesError, read_rules_file

T = TypeVar("T")


@cache
def read_verdict_rules() -> Rules:
    """The rules for `gateway.mail.verdict.judge`. Raises RulesError when one is wrong."""
    return verdict_rules(read_rules_file("verdicts"))


_TIERS = {
    "connection": ("codes",),
    "text": ("text", "enhanced"),
    "enhanced": ("enhanced",),
    "basic": ("codes",),
    "stage": ("stages",),
}
"""The reply rules' tables in the order in which they are tried, each with the keys of which its rules must have one."""


def verdict_rules(table: Mapping[str, Any]) -> Rules:
    """Make rules of `verdicts.toml`'s content. Raises RulesError when one is wrong, or when a case is left without."""
    unknown = set(table) - set(_TIERS) - {"fault", "advice", "again", "doubt"}
    if unknown:
        raise RulesError(f"verdicts.toml: unknown table {min(unknown)!r}; known are {', '.join(_TIERS)} and fault")
    advice = {cause: str(words) for cause, words in dict(table.get("advice", {})).items()}
    rules = Rules(
        replies=tuple(
            _reply_rule(_Entry(entry, advice), required)
            for tier, required in _TIERS.items()
            for entry in table.get(tier, [])
        ),
        faults=tuple(_fault_rule(_Entry(entry, advice)) for entry in table.get("fault", [])),
        again=str(table.get("again", "")),
        doubts=_doubts(table.get("doubt", {})),
    )
    _refuse_doubles(rules)
    _refuse_gaps(rules)
    return rules


class _Entry:
    """One rule's table on its way to a value: every key is taken once, and none is left over."""

    def __init__(self, table: Mapping[str, Any], advice: Mapping[str, str]) -> None:
        self.left = dict(table)
        self.advice_by_cause = advice
        self.name = str(self.left.pop("name", ""))
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.name):
            raise RulesError(f"verdicts.toml: a rule needs a name such as 'gmail-no-such-user', not {self.name!r}")

    def wrong(self, why: str) -> RulesError:
        return RulesError(f"verdicts.toml, rule {self.name!r}: {why}")

    def take(self, key: str, read: Callable[[Any], T]) -> T | None:
        """The value at `key`, or None when the rule does not name it."""
        if key not in self.left:
            return None
        value = self.left.pop(key)
        try:
            return read(value)
        except (ValueError, TypeError, re.error) as error:
            raise self.wrong(f"{key} = {value!r}: {error}") from error

    def need(self, key: str, read: Callable[[Any], T]) -> T:
        value = self.take(key, read)
        if value is None:
            raise self.wrong(f"{key} is missing")
        return value

    def advice(self, cause: Cause) -> str:
        words = self.take("advice", str) or self.advice_by_cause.get(cause)
        if not words:
            raise self.wrong(f"advice is missing, and [advice] has none for {cause}")
        return words

    def done(self) -> None:
        if self.left:
            raise self.wrong(f"unknown key {min(self.left)!r}")


def _doubts(table: Mapping[str, Any]) -> Phrases:
    try:
        return _phrases(table["text"])
    except (KeyError, TypeError, ValueError, re.error) as error:
        raise RulesError(f"verdicts.toml: [doubt] needs text, the words that suppress nobody: {error}") from error


_FLAGS = ("defers", "knows_destination", "suppress", "sure_after_data", "stops_relay")


def _reply_rule(entry: _Entry, required: tuple[str, ...]) -> Rule:
    if not any(key in entry.left for key in required):
        raise entry.wrong(f"{required[0]} is missing: rules of this table are found by {' or '.join(required)}")
    cause = entry.need("cause", Cause)
    rule = Rule(
        name=entry.name,
        cause=cause,
        advice=entry.advice(cause),
        example=entry.need("example", str),
        text=entry.take("text", _phrases),
        enhanced=entry.take("enhanced", _enhanced_pattern),
        codes=entry.take("codes", _codes),
        stages=entry.take("stages", _stages),
        scope=entry.take("scope", Scope) or Scope.MESSAGE,
        **{name: entry.take(name, bool) or False for name in _FLAGS},
    )
    entry.done()
    if rule.knows_destination and rule.scope is not Scope.DESTINATION:
        raise entry.wrong("knows_destination is for rules whose scope is DESTINATION")
    if rule.sure_after_data and not rule.suppress:
        raise entry.wrong("sure_after_data is for rules that suppress")
    if rule.suppress and cause not in BAD_ADDRESS_CAUSES:
        raise entry.wrong(f"only bad addresses are suppressed, and {cause} says that the address may be good")
    if rule.suppress and rule.enhanced is not None and rule.enhanced.fullmatch("5.7.1"):
        raise entry.wrong("5.7.x is policy and never suppresses an address")
    return rule


def _fault_rule(entry: _Entry) -> FaultRule:
    cause = entry.need("cause", Cause)
    rule = FaultRule(
        name=entry.name,
        cause=cause,
        advice=entry.advice(cause),
        example=entry.need("example", str),
        after_dot=entry.take("after_dot", bool) or False,
        faults=entry.take("faults", lambda names: frozenset(map(FaultKind, names))),
        stages=entry.take("stages", _stages),
        refuses=entry.take("refuses", bool) or False,
        scope=entry.take("scope", Scope) or Scope.MESSAGE,
    )
    entry.done()
    if rule.after_dot and rule.refuses:
        raise entry.wrong("after the dot nobody knows: such a rule cannot refuse")
    return rule


def _phrases(texts: list[str]) -> Phrases:
    """Any of the regular expressions."""
    # Matched against lower-case words, which is twice as fast as ignoring case.
    for text in texts:
        if not text or re.search(r"(?<!\\)[A-Z]", text):
            raise ValueError(f"{text!r} has capitals or nothing; reply texts are lowered before they are searched")
    return Phrases(texts)


def _enhanced_pattern(codes: Iterable[str]) -> re.Pattern[str]:
    """`5.1.1` is itself, `x` any class, `*` any digits: `5.7.*`, `5.7.60*`; `none` is a reply without a code."""
    parts = []
    for code in codes:
        if code == "none":
            parts.append("")
            continue
        if not re.fullmatch(r"[45x]\.(\d{1,3}|\*)\.(\d{1,3}|\d{0,2}\*)", code):
            raise ValueError(f"{code!r} is not a code such as '5.1.1', 'x.2.2' or '5.7.*'")
        parts.append(code.replace(".", r"\.").replace("x", "[45]").replace("*", r"\d{1,3}"))
    return re.compile("|".join(parts))


def _codes(codes: Iterable[int | str]) -> frozenset[int]:
    """`550` is itself, `"5xx"` every code of the class, `"45x"` every code of the ten."""
    found: set[int] = set()
    for code in codes:
        if not re.fullmatch(r"[45](\d\d|\dx|xx)", str(code)):
            raise ValueError(f"{code!r} is not a code such as 550, '45x' or '5xx'")
        digits = str(code)
        found.update(range(int(digits.replace("x", "0")), int(digits.replace("x", "9")) + 1))
    return frozenset(found)


def _stages(names: Iterable[str]) -> frozenset[Stage]:
    return frozenset(map(Stage, names))


def _refuse_doubles(rules: Rules) -> None:
    seen: set[str] = {"accepted"}
    for name in [*(rule.name for rule in rules.replies), *(rule.name for rule in rules.faults)]:
        if name in seen:
            raise RulesError(f"verdicts.toml, rule {name!r}: the name is taken; attempts keep it, so it names one rule")
        seen.add(name)


def _refuse_gaps(rules: Rules) -> None:
    """Whatever a server says or does, some rule must fit: `judge` relies on it."""
    for stage in TRANSACTION_STAGES:
        for code in range(400, 600):
            bare = Said(code=code, enhanced=None, stage=stage, words="")
            if not any(rule.text is None and fits(rule, bare) for rule in reversed(rules.replies)):
                raise RulesError(f"verdicts.toml: no rule fits a bare {code} at {stage}; add one to [[stage]]")
        for kind in FaultKind:
            for dot_sent in (False, True):
                if not any(fits_fault(rule, kind, stage, dot_sent) for rule in rules.faults):
                    raise RulesError(
                        f"verdicts.toml: no rule fits {kind} at {stage}, {dot_sent=}; add one to [[fault]]"
                    )
