"""Rules for the page's own files."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "service" / "page"
MODULES = sorted(path for path in PAGE.rglob("*.js") if "vendor" not in path.parts)
WORDS = PAGE / "languages"
MAX_LINES = 420
IMPORTED = re.compile(r"""^import "([^"]+)";|\bfrom "([^"]+)";|\bimport\("([^"]+)"\)""", re.MULTILINE)


def name(module: Path) -> str:
    """The path within the page's directory."""
    return module.relative_to(PAGE).as_posix()


def imported(module: Path) -> set[Path]:
    """What a module imports, at once or later."""
    found = ("".join(either) for either in IMPORTED.findall(module.read_text()))
    return {(module.parent / path).resolve() for path in found}


def test_one_file_calls_graphql() -> None:
    assert {module.parent for module in MODULES} > {PAGE, PAGE / "messages", PAGE / "templates"}
    assert [
        name(module) for module in MODULES if '"/graphql"' in module.read_text() or "/graphql`" in module.read_text()
    ] == ["graphql.js"]


def test_one_file_holds_the_colours() -> None:
    colours = re.compile(r"#[0-9a-fA-F]{6}\b|\brgb\(")
    assert [name(module) for module in MODULES if colours.search(module.read_text())] == []
    sheets = [sheet for sheet in PAGE.glob("*/*.css") if "vendor" not in sheet.parts]
    white = "the ground of a mail alone is no token"
    assert {found for sheet in sheets for found in colours.findall(sheet.read_text())} <= {"#ffffff"}, white
    below_the_tokens = (PAGE / "page.css").read_text().split("/* Ground")[1]
    assert set(colours.findall(below_the_tokens)) <= {"#ffffff"}, "the ground of a mail's preview alone is no token"


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_evaluated() -> None:
    for module in MODULES:
        text = module.read_text()
        assert all(found.is_file() and found.is_relative_to(PAGE) for found in imported(module)), name(module)
        forbidden = r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|unsafeHTML|document\.write"
        assert not re.search(forbidden, text), name(module)
        # Where there is no TLS a browser has none: idempotency-key.js makes keys.
        assert "randomUUID(" not in text, name(module)


def test_every_module_starts_with_a_sentence_and_is_used() -> None:
    started = {(PAGE / path) for path in re.findall(r'"/static/([^"]+)"', (PAGE / "index.html").read_text())}
    used = started.union(*map(imported, MODULES))
    for module in MODULES:
        text = module.read_text()
        assert text.startswith("// "), f"{name(module)}: a sentence first"
        if module.parent != WORDS:
            assert len(text.splitlines()) <= MAX_LINES, name(module)
            assert module in used, f"{name(module)} is not imported"


def test_vendored_files_name_their_version_and_licence() -> None:
    vendors = (PAGE / "vendor", PAGE.parent / "graphiql" / "vendor", Path(__file__).resolve().parents[1] / "vendor")
    directories = [directory for vendor in vendors for directory in vendor.iterdir() if directory.is_dir()]
    assert len(directories) >= 6
    for directory in directories:
        assert re.search(r"\d+\.\d+\.\d+, [A-Z]", (directory / "VERSION").read_text())
        assert "icen" in (directory / "LICENSE").read_text()
