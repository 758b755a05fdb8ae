"""Modules and style sheets without comments: the code stays, and each of its lines keeps its number."""

from __future__ import annotations

import pytest

from service.http.page_comments import module_without_comments, sheet_without_comments
from service.http.page_files import PAGE

MODULE = r"""// What this module is for.
import { html } from "./lit-html.js"; // kept: the line has code

/**
 * A comment of
 * several lines.
 */
export const link = (href) => `
  // not a comment: text of a template
  ${href ? html`/* nor this */
    // ${"`"} nor this` : /* kept */ ""}
`;
  // Indented; it isn't `code`.
const half = (a, b) => a / b; const pattern = /[/`]\/\/`/g;
const text = "// in a text \" `"; const other = '/* `';
/* one */ const kept = { a: 1 };
export { half }; // the end"""

SENT = r"""
import { html } from "./lit-html.js"; // kept: the line has code





export const link = (href) => `
  // not a comment: text of a template
  ${href ? html`/* nor this */
    // ${"`"} nor this` : /* kept */ ""}
`;

const half = (a, b) => a / b; const pattern = /[/`]\/\/`/g;
const text = "// in a text \" `"; const other = '/* `';
/* one */ const kept = { a: 1 };
export { half }; // the end"""


def test_lines_of_comments_go_and_everything_else_stays_in_its_line() -> None:
    assert module_without_comments(MODULE) == SENT
    sheet = '/* What\n   this is. */\na { content: "/*"; } /* kept */\n  /* gone */\nb { color: red; }\n'
    assert sheet_without_comments(sheet) == '\n\na { content: "/*"; } /* kept */\n\nb { color: red; }\n'


@pytest.mark.parametrize("module", ["const a = `never closed ${1};\n", "function a() {\n", "}\n"])
def test_a_module_that_is_not_understood_is_refused_rather_than_cut(module: str) -> None:
    with pytest.raises(ValueError, match="closed"):
        module_without_comments(module)


def test_every_module_of_the_page_is_understood_and_a_tenth_shorter() -> None:
    modules = [path.read_text(encoding="utf-8") for path in PAGE.rglob("*.js") if "vendor" not in path.parts]
    sent = [module_without_comments(module) for module in modules]
    assert [module.count("\n") for module in sent] == [module.count("\n") for module in modules]
    assert sum(map(len, sent)) < 0.9 * sum(map(len, modules))
    assert not [line for module in sent for line in module.split("\n") if line.lstrip().startswith(("//", "/**"))]
