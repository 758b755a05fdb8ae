"""`make link` and `make token`: a way in beside a running `make run`, found by its data directory."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence

import asyncpg

from service.standalone.data_directory import Running, running_in
from service.standalone.errors import LaunchError
from service.standalone.options import data_path

_OWN_NAME = "make run"
_LONGEST_NAME = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a link, or a token; returns the exit code: 1, with one sentence on stderr, when there is none to print."""
    [what] = arguments if arguments is not None else sys.argv[1:]
    try:
        print(print_link(os.environ) if what == "link" else print_token(os.environ))
    except LaunchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def print_link(environment: Mapping[str, str]) -> str:
    """Returns a new address that signs one browser in, once, within ten minutes, as `make run`, which may see the mail
    itself, or as TOKEN_NAME, who may with CONTENT=1. With READ_ONLY=1 they may change nothing."""
    # Imported here: a directory in which nothing runs is named at once.
    from service.standalone.credentials import make_login_link

    running = _running(environment, "link")
    name = _name(environment)
    content = name is None or _is_set(environment, "CONTENT")
    link = make_login_link(
        running.database_url,
        running.public_url,
        name or _OWN_NAME,
        content=content,
        read_only=_is_set(environment, "READ_ONLY"),
    )
    return asyncio.run(link)


def print_token(environment: Mapping[str, str]) -> str:
    """Returns the token of DATA/token, or a new one named TOKEN_NAME, which cannot be shown again: with INBOUND=1 one
    that hands in received mail and does nothing else, with CONTENT=1 one for the mail itself, too."""
    from service.standalone.credentials import make_token

    running = _running(environment, "token")
    name = _name(environment)
    inbound_only, content = _is_set(environment, "INBOUND"), _is_set(environment, "CONTENT")
    if name is None and inbound_only:
        raise LaunchError("A token for received mail needs a name: make token INBOUND=1 NAME=provider")
    if inbound_only and content:
        raise LaunchError("A token for received mail sees none: leave out INBOUND=1 or CONTENT=1.")
    if name is None:
        return running.token
    try:
        return asyncio.run(make_token(running.database_url, name, inbound_only=inbound_only, content=content))
    except asyncpg.UniqueViolationError:
        raise LaunchError(f"There is a token named {name} already: choose another name.") from None


def _running(environment: Mapping[str, str], target: str) -> Running:
    path = data_path(environment)
    running = running_in(path)
    if running is None:
        raise LaunchError(
            f"Nothing is ready in {path}: start it with `make run`, or name the directory of the one that runs, as in "
            f"`make {target} DATA=/some/dir`."
        )
    return running


def _is_set(environment: Mapping[str, str], name: str) -> bool:
    return environment.get(name, "0") not in ("", "0")


def _name(environment: Mapping[str, str]) -> str | None:
    name = environment.get("TOKEN_NAME") or None
    if name is not None and not (name.isprintable() and len(name) <= _LONGEST_NAME):
        raise LaunchError("A name has 1 to 100 characters and no line break, tab or other invisible character.")
    return name


if __name__ == "__main__":
    sys.exit(main())
