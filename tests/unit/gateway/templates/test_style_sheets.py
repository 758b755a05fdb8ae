"""Style sheets are read as browsers read them, in time linear in their length."""

from __future__ import annotations

import gc
import time

import pytest

from gateway.templates.style_sheets import Rule, Selector, read_declarations, read_style_sheet


def rules(css: str, media: str = "") -> list[Rule]:
    return list(read_style_sheet(css, media).rules)


def selector(text: str) -> Selector:
    return rules(f"{text}{{a:b}}")[0].selectors[0]


@pytest.mark.parametrize(
    ("text", "specificity"),
    [("*", (0, 0, 0)), ("p", (0, 0, 1)), ("p.a#b", (1, 1, 1)), ("ul li:first-child", (0, 1, 2)),
     ("a[href^='#x.y']", (0, 1, 1)), ("p::first-line", (0, 0, 2)), ("p:before", (0, 0, 2)), (":not(.a, #b)", (1, 0, 0)),
     (":where(#a) b", (0, 0, 1)), (":is(p, .a) > i", (0, 1, 1)), (".w\\.5", (0, 1, 0)),
     ("td:nth-child(2n+1)", (0, 1, 1))],
)  # fmt: skip
def test_specificity_is_that_of_the_standard(text: str, specificity: tuple[int, int, int]) -> None:
    assert selector(text).specificity == specificity


@pytest.mark.parametrize(
    ("text", "elements", "always", "certain"),
    [("a:hover", "a:is(*)", False, True), (":visited b", ":is(*) b", False, True),
     ("a:-moz-x", "a:is(*)", False, False),
     ("p:first-child", "p:first-child", True, True), ("p:not(.a)", "p:not(.a)", True, True),
     ("p:not(.a) b", "p:is(*) b", False, True), ("p:not(:hover)", "p:is(*)", False, True),
     ("a ~ p b", "p b", False, True),
     ("a b c d e f g h", "b c d e f g h", False, True),
     ("svg|a", None, True, True), ("& b", None, True, True), ("} b", None, True, True)],
)  # fmt: skip
def test_a_state_is_left_out_to_find_the_elements_that_may_have_it(
    text: str, elements: str | None, always: bool, certain: bool
) -> None:
    read = selector(text)
    assert (read.elements, read.always, read.certain) == (elements, always, certain)


def test_rules_know_the_conditions_that_they_stand_in() -> None:
    css = "@import 'x;y'; /* } */ a{b:c} @media print{@supports (d:e){f{g:h}}} @layer i{j{k:l}} @font-face{m:n}"
    read = [(rule.selectors[0].text, rule.conditions, rule.repeatable) for rule in rules(css)]
    assert read == [
        ("a", (), True),
        ("f", ("@media print", "@supports (d:e)"), True),
        ("j", ("@layer i",), False),
    ]
    assert rules("a{b:c}", "print")[0].conditions == ("@media print",)
    assert rules("a{b:c}", " ALL ")[0].always


def test_declarations_keep_their_values_as_written() -> None:
    read = read_declarations(
        'color:red; color : rgb(0 0 0 / .5)!IMPORTANT;;a;--x:{y;z};*zoom:1;b:url(data:,c;d) "e;\'f"/* g */'
    )
    assert [(one.name, one.value, one.important) for one in read] == [
        ("color", "red", False),
        ("color", "rgb(0 0 0 / .5)", True),
        ("b", 'url(data:,c;d) "e;\'f"', False),
    ]


@pytest.mark.parametrize(
    ("css", "closed"),
    [("a{b:c}", True), ("<!-- a{b:c} /* d */ -->", True), ("a{b:c", False), ("a{b:c} /* d", False), ("a{b:c} d", False),
     ("a{b:'c}", False), ("a{b:(c}", False), ("@import 'x'", False), ("@import 'x';", True), ("", True),
     ("/*/", False)],
)  # fmt: skip
def test_what_is_put_behind_an_unfinished_sheet_would_not_be_read(css: str, closed: bool) -> None:
    assert read_style_sheet(css).closed is closed


@pytest.mark.parametrize(
    "noise",
    ["{", "}", "(", "[", "a{", "a{&{", "@media x{", ":not(", ":is(a,", "/*", "/**/", "\"", "'", "\\", "url(", ";", "a;",
     "@a;",
     "a[", "[a='", "::a", ",", " ", "!", "! ", "a:b;", "<!--", "&", "a{b:c;", "#", "@", "\n"],
)  # fmt: skip
def test_reading_takes_time_in_step_with_the_length(noise: str) -> None:
    def seconds(times: int) -> float:
        text = noise * times
        started = time.process_time()
        for css in (text, f"a{{b:{text}", f"{text}{{a:b}}"):
            read_style_sheet(css)
            read_declarations(css)
        return time.process_time() - started

    gc.disable()  # a pass over all that other tests hold may take longer than what is measured
    try:
        short = max(seconds(1_000), 0.01)
        long = min(seconds(8_000) for _ in range(2))
    finally:
        gc.enable()
    assert long < 8 * short * 4  # the square would be 64
