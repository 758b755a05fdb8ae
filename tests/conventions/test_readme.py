"""The README against what it speaks of: every setting stands in its table, with the default that it has."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from pydantic.fields import FieldInfo

import gateway.settings
import service.settings
from gateway.settings import examples
from tests.conventions.sources import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
SETTINGS: dict[str, FieldInfo] = {
    name.upper(): field
    for settings in (gateway.settings.Settings, service.settings.Settings)
    for name, field in settings.model_fields.items()
}
ELSEWHERE = "see [`service/settings.py`](service/settings.py)"
AS_SET = examples(gateway.settings.Settings, {}) | examples(service.settings.Settings, {})


def rows() -> Iterator[tuple[str, str | None]]:
    """Each variable of the table and its default as written there; None where the table points to the code."""
    table = README.partition("## Configuration")[2].partition("\n## ")[0]
    for line in table.splitlines():
        if not line.startswith("| `"):
            continue
        names, default = [cell.strip() for cell in line.split(" | ")[:2]]
        names_here = re.findall(r"`([A-Z_]+)`", names)
        defaults = default.split(", ") if len(names_here) > 1 else [default]
        yield from zip(names_here, [None] * len(names_here) if default == ELSEWHERE else defaults, strict=True)


def test_every_setting_stands_in_the_table_once() -> None:
    assert sorted(name for name, _ in rows()) == sorted(SETTINGS)


@pytest.mark.parametrize(("name", "written"), [row for row in rows() if row[1] is not None])
def test_a_default_in_the_table_is_the_settings_own(name: str, written: str) -> None:
    assert written.strip("`") == shown(SETTINGS[name], as_set=AS_SET[name])


def shown(field: FieldInfo, *, as_set: str) -> str:
    """A default as the table says it."""
    if field.is_required():
        return "required"
    if field.default is None or field.default == ():
        return "none"
    if isinstance(field.default, bool):
        return "on" if field.default else "off"
    return as_set
