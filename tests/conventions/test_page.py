"""Rules for the page's own files."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "service" / "page"
MODULES = sorted(path for path in PAGE.rglob("*.js") if "vendor" not in path.parts)
SHEETS = sorted(path for path in PAGE.rglob("*.css") if "vendor" not in path.parts)
LANGUAGES = PAGE / "languages"
MAX_LINES = 420
COLOURS = re.compile(r"#[0-9a-fA-F]{3,8}\b|\brgb\(")


def test_one_file_calls_graphql() -> None:
    assert MODULES
    assert [
        module.name for module in MODULES if '"/graphql"' in module.read_text() or "/graphql`" in module.read_text()
    ] == ["graphql.js"]


def test_one_file_holds_the_colours() -> None:
    written = {
        path.relative_to(PAGE).as_posix(): set(COLOURS.findall(path.read_text())) for path in (*MODULES, *SHEETS)
    }
    del written["page.css"]
    written["below the tokens"] = set(COLOURS.findall((PAGE / "page.css").read_text().split("/* Ground")[1]))
    found = {name: colours - {"#ffffff"} for name, colours in written.items()}
    assert {name: colours for name, colours in found.items() if colours} == {}, (
        "the ground of a mail's preview alone is no token"
    )


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_evaluated() -> None:
    for module in MODULES:
        text = module.read_text()
        name = module.relative_to(PAGE).as_posix()
        assert all(path.startswith(("./", "../")) for path in re.findall(r'from "([^"]+)"', text)), name
        assert not re.search(r"\beval\(|new Function|innerHTML|unsafeHTML|document\.write", text), name


def test_every_module_starts_with_a_sentence_and_is_used() -> None:
    everything = "".join(module.read_text() for module in PAGE.rglob("*.js")) + (PAGE / "index.html").read_text()
    for module in MODULES:
        text, name = module.read_text(), module.relative_to(PAGE).as_posix()
        assert text.startswith("// "), f"{name}: a sentence first"
        # A language is one file, however many words it has.
        assert len(text.splitlines()) <= MAX_LINES or module.parent == LANGUAGES, name
        assert f"/{module.name}" in everything or module.parent == LANGUAGES, f"{name} is not imported"


def test_vendored_files_name_their_version_and_licence() -> None:
    vendors = (PAGE / "vendor", PAGE.parent / "graphiql" / "vendor", Path(__file__).resolve().parents[1] / "vendor")
    directories = [directory for vendor in vendors for directory in vendor.iterdir() if directory.is_dir()]
    assert len(directories) >= 6
    for directory in directories:
        assert re.search(r"\d+\.\d+\.\d+, [A-Z]", (directory / "VERSION").read_text())
        assert "icen" in (directory / "LICENSE").read_text()
