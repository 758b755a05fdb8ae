"""Words in parts: each part is a module, and whatever is loaded says which parts it shows."""

from __future__ import annotations

import re

import pytest

from service.http.page_files import PAGE, imports_of, modules_of, resolved
from service.http.page_words import parts_of

LANGUAGE = """// Words.
import { number } from "../numbers.js";

/** "1 mail". */
const mails = (count) => `${number(count)} mails`;

const OTHERS = { mails };

export const words = {
  // worklist ----

  worklist: {
    title: "Worklist",

    groups: {
      held: (count) => `${OTHERS.mails(count)} held`,
    },
  },

  lists: {
    title: "Lists of number",
  },
};
"""
BODIES = {path.relative_to(PAGE).as_posix(): path.read_text(encoding="utf-8") for path in PAGE.rglob("*.js")}
LANGUAGES = [name for name in BODIES if name.startswith("languages/")]


def test_a_part_has_one_key_and_what_it_uses_of_what_stands_before() -> None:
    parts = parts_of(LANGUAGE)
    assert list(parts) == ["worklist", "lists"]
    before, part = LANGUAGE.split("export const words = {\n")
    worklist = part[part.index("  worklist") : part.index("\n  lists")]
    assert parts["worklist"] == f"{before}export const words = {{\n{worklist}}};\n"
    assert parts["lists"].count("const ") == 1, "imports may be for nothing, declarations are not"
    assert 'title: "Lists of number"' in parts["lists"]


@pytest.mark.parametrize("change", [("words = {\n", "words = { first: 1,\n"), ("  lists: {", "  lists: [{")])
def test_a_file_that_is_laid_out_in_another_way_is_refused_rather_than_cut(change: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="blocks"):
        parts_of(LANGUAGE.replace(*change))


@pytest.mark.parametrize("name", LANGUAGES)
def test_the_parts_of_a_language_are_together_all_of_its_words(name: str) -> None:
    lines = [line for part in parts_of(BODIES[name]).values() for line in part.partition("words = {\n")[2].split("\n")]
    words = BODIES[name].partition("words = {\n")[2].split("\n")
    wanted = [line for line in words if line.strip() and not line.startswith("  //") and line != "};"]
    assert [line for line in lines if line.strip() and line != "};"] == wanted


def test_whatever_is_loaded_says_which_words_it_shows() -> None:
    keys = set(parts_of(BODIES["languages/en.js"]))
    base = set(re.findall(r'"(\w+)"', re.findall(r"needed = new Set\((.+)\)", BODIES["language.js"])[0]))
    imports = imports_of(BODIES)
    shell = modules_of("page.js", imports)
    shown = {name: keys.intersection(re.findall(r"\bsaid\.(\w+)", body)) for name, body in BODIES.items()}
    assert set().union(*(shown[name] for name in shell)) <= base
    loads = 0
    for name, body in BODIES.items():
        for stated, module, parts in re.findall(r'(withWords\()?import\("([^"]+)"\)([^)]*)', body):
            loads += 1
            loaded = modules_of(resolved(name, module), imports) - shell
            # What the module itself shows is there by then.
            missing = set().union(*(shown[each] for each in loaded)) - base - shown[name]
            if stated:
                missing -= set(re.findall(r'"(\w+)"', parts))
            assert not missing, f"{name} loads {module}, which shows the words of {', '.join(sorted(missing))}"
    assert loads > 20
