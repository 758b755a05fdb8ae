"""The rules for hits: read once from `gateway/rules/hits.toml`, and made into values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from gateway.mail.hit import Burst, HitRules
from gateway.rule_files import RulesError, read_rules_file


@cache
def read_hit_rules() -> HitRules:
    """Returns the rules of `rules/hits.toml`. Raises RulesError when they are wrong."""
    try:
        return parse_hit_rules(read_rules_file("hits"))
    except (KeyError, TypeError, ValueError, re.error) as error:
        raise RulesError(f"rules/hits.toml: {type(error).__name__}: {error}") from error


def parse_hit_rules(table: Mapping[str, Any]) -> HitRules:
    """Makes rules of `hits.toml`'s content. Raises KeyError, TypeError, ValueError or re.error when it is wrong."""
    return HitRules(
        version=int(table["version"]),
        settle=timedelta(seconds=table["settle_seconds"]),
        bursts=tuple(
            Burst(links=int(burst["links"]), within=timedelta(seconds=burst["within_seconds"]))
            for burst in table["burst"]
        ),
        burst_reach=timedelta(seconds=table["burst_reach_seconds"]),
        origin_messages=int(table["origin"]["messages"]),
        origin_within=timedelta(seconds=table["origin"]["within_seconds"]),
        privacy_proxy=frozenset(table["agents"]["privacy_proxy"]),
        image_proxy=_any_of(table["agents"]["image_proxy"]),
        scanner=_any_of(table["agents"]["scanner"]),
        reader=_any_of(table["agents"]["reader"]),
    )


def _any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    if not patterns or not all(patterns):
        raise ValueError("an agent list needs at least one pattern, and no empty one")
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)
