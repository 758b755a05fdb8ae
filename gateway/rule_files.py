"""Rules as data: reads `gateway/rules/*.toml`."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

from gateway.errors import GatewayError


class RulesError(GatewayError):
    """A file of rules is wrong; the message names the file, the rule and what to write instead."""


def read_rules_file(name: str) -> dict[str, Any]:
    """Returns the content of `gateway/rules/{name}.toml`. Raises RulesError when it is not TOML."""
    try:
        return tomllib.loads(files("gateway").joinpath("rules", f"{name}.toml").read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RulesError(f"rules/{name}.toml is not TOML: {error}") from error
