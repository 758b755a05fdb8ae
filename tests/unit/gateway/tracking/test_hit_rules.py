"""The rules for hits: what is wrong in the file is refused."""

from __future__ import annotations

import pytest

from gateway.rule_files import read_rules_file
from gateway.tracking.hit_rules import parse_hit_rules


def test_rules_that_are_wrong_are_refused() -> None:
    table = read_rules_file("hits")
    with pytest.raises(KeyError, match="version"):
        parse_hit_rules({name: value for name, value in table.items() if name != "version"})
    with pytest.raises(ValueError, match="empty"):
        parse_hit_rules(table | {"agents": table["agents"] | {"scanner": [""]}})
