"""MJML and HTML made ready for mail clients, once a template version: MJML compiled, CSS inlined.

Neither step may touch template code: `template_code` keeps it out of their way. The only importer of mrml.
"""

from __future__ import annotations

import re
from collections import Counter

import mrml

from gateway.errors import Refusal, RefusalCode
from gateway.templates import css_inlining
from gateway.templates.html_links import VOID_ELEMENTS, start_tags
from gateway.templates.localization import reads_right_to_left

LARGEST_SOURCE = 512 * 1024
"""Octets of a template part. Gmail cuts mails at 102 KB; five times that leaves room for what compiling drops."""

LARGEST_PAGE = 1024 * 1024
"""Octets of the HTML that MJML becomes: ten times what Gmail shows; the later steps take a second for so much."""

DEEPEST_NESTING = 250
"""Elements in elements. Both compilers recurse: some thousands end the process."""

_WITHOUT_INCLUDES = mrml.ParserOptions(include_loader=mrml.memory_loader({}))
"""`mj-include` finds no file: a template is read by itself, with no file of this machine."""

_NO_FONTS_FROM_ELSEWHERE = mrml.RenderOptions(fonts={})
"""By default a mere mention of Roboto or Ubuntu links them from Google, which then sees the request of every reader."""

_PROLOGUE = re.compile(r"(?:\s|\ufeff|(?>(?s:<!--.*?-->))|<\?[^>]*>|<!doctype[^>]*>)*+", re.IGNORECASE)
"""What may stand before the root element."""

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:-]*+)([^<>]*+)>")
_END_OPTIONAL = frozenset(["p", "li", "dt", "dd", "tr", "td", "th", "tbody", "thead", "tfoot", "option", "colgroup"])


def compile_mjml(source: str, path: tuple[str, ...]) -> str:
    """MJML as HTML. Raises Refusal: TEMPLATE_INVALID, TOO_LONG."""
    _refuse_deep(source, path, xml=True)
    try:
        page = mrml.to_html(source, _WITHOUT_INCLUDES, _NO_FONTS_FROM_ELSEWHERE).content
    except OSError as error:
        raise Refusal(RefusalCode.TEMPLATE_INVALID, f"Not MJML: {error}.", path) from None
    if len(page.encode()) > LARGEST_PAGE:
        raise Refusal(RefusalCode.TOO_LONG, f"The page has more than {LARGEST_PAGE // 1024} KiB of HTML.", path)
    return page


def state_language(source: str, locale: str, *, element: str) -> str:
    """HTML or MJML whose root (`html`, `mjml`) says which language it is in, and that it runs from right to left.

    What its author says of either stays.
    """
    root = next((tag for tag in start_tags(source) if tag.name == element), None)
    own = root.attributes if root is not None else {}
    if "lang" in own or "xml:lang" in own or (root is None and element == "mjml"):
        return source
    said = f' lang="{locale.replace("_", "-")}"'
    if "dir" not in own and reads_right_to_left(locale):
        said += ' dir="rtl"'
    start = _PROLOGUE.match(source)
    place, said = (root.name_end, said) if root is not None else (start.end() if start else 0, f"<html{said}>")
    return source[:place] + said + source[place:]


def inline_css(html: str, path: tuple[str, ...]) -> str:
    """HTML with its styles also on its elements (`css_inlining`). Raises Refusal: TEMPLATE_INVALID, TOO_LONG."""
    _refuse_deep(html, path, xml=False)
    page = css_inlining.inline_css(html, path)
    if len(page.encode()) > LARGEST_PAGE:
        raise Refusal(RefusalCode.TOO_LONG, f"The page has more than {LARGEST_PAGE // 1024} KiB of HTML.", path)
    return page


def _refuse_deep(source: str, path: tuple[str, ...], *, xml: bool) -> None:
    foreign = re.search(r"<(?:svg|math)\b", source, re.IGNORECASE) is not None  # in there, `<li>` nests
    opened: Counter[str] = Counter()
    depth = 0
    for ending, name, rest in _TAG.findall(source):
        name = name.lower()
        # HTML closes `<li>` by the next one and takes no notice of the slash in `<div/>`; XML is the other way round.
        if name in VOID_ELEMENTS or (rest.endswith("/") if xml else name in _END_OPTIONAL and not foreign):
            continue
        if not ending:
            opened[name] += 1
            depth += 1
        elif opened[name]:
            opened[name] -= 1
            depth -= 1
        if depth > DEEPEST_NESTING:
            raise Refusal(RefusalCode.TEMPLATE_INVALID, f"Elements nest more than {DEEPEST_NESTING} deep.", path)
