"""CSS put on the elements for clients that drop `<style>`, so that all others show what the author's page shows.

Nothing of the author's is taken away or written anew: declarations go into `style` attributes, before the author's
own, and every sheet stays as it is. A declaration in a `style` attribute beats every sheet, so where a rule that stays
behind (of a media query, of `:hover`) would have won, that rule is repeated with `!important`, or the property is not
inlined there. Which of the two follows from the cascade, for each element and family of properties:

- A rule is repeated where it is stronger than what is inlined on every element that it may select, where no declaration
  of its family is important there or in the author's `style`, and where stronger rules that stay behind are repeated.
- What a rule that cannot be repeated may have to beat is not inlined.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import NamedTuple

from gateway.errors import Refusal, RefusalCode
from gateway.templates.character_references import decode
from gateway.templates.html_links import UNNUMBERED, StartTag, insert, select, start_tags
from gateway.templates.style_sheets import (
    Declaration,
    Rule,
    Selector,
    Specificity,
    StyleSheet,
    read_declarations,
    read_style_sheet,
)

MAX_STYLED = 200_000
"""Declarations that the sheets of one page may give to its elements: a hundred times what mails have. Each is weighed
and may be written out."""

MAX_ATTRIBUTES = 500
"""Attributes of an element: the parser's time grows with their square."""

_NEVER_STYLED = frozenset(
    [
        *("html", "head", "meta", "title", "base", "link", "style", "template", "noscript", "br", "wbr"),
        "source",
        "track",
    ]
)
_SHORTHANDS = (
    *("background", "border", "font", "margin", "padding", "list-style", "text-decoration", "outline", "overflow"),
    *("inset", "flex", "grid", "column", "mask", "scroll", "animation", "transition", "place", "text-emphasis"),
)
_OF_SHORTHAND = {
    "line-height": "font",
    "columns": "column",
    **dict.fromkeys(["top", "right", "bottom", "left"], "inset"),
}
_QUOTES = {"'": "&#39;", '"': "&quot;"}
_PAINT = ("background", "color")
_VENDORS = ("-webkit-", "-moz-", "-ms-", "-o-")

_Place = tuple[int, str]
"""An element, by the place of its start tag, and a family of properties."""

_Strength = tuple[bool, Specificity, int]
"""Importance, specificity and the rule's place: the greater one wins."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """What one selector of a rule that stays behind says of one family of properties."""

    rule: Rule
    selector: Selector
    declarations: tuple[Declaration, ...]
    repeatable: bool


class _Use(NamedTuple):
    """A declaration that a sheet gives to an element. `kept`: its place among what stays behind; None: inlined."""

    strength: _Strength
    text: str
    kept: int | None


@dataclass(kw_only=True, slots=True)
class _Cascade:
    """What the sheets say of each element; of the families `unclear`, rules whose elements are unknown speak too."""

    uses: defaultdict[_Place, list[_Use]] = field(default_factory=lambda: defaultdict(list))
    kept: list[_Kept] = field(default_factory=list)
    unclear: set[str] = field(default_factory=set)
    size: int = 0


def inline_css(html: str, path: tuple[str, ...]) -> str:
    """The page with its styles also on its elements. Raises Refusal(TEMPLATE_INVALID)."""
    tags = tuple(start_tags(html))
    if any(len(tag.attributes) > MAX_ATTRIBUTES for tag in tags):
        message = f"An element has more than {MAX_ATTRIBUTES} attributes."
        raise Refusal(RefusalCode.TEMPLATE_INVALID, message, path)
    sheets = [(tag, _sheet(html, tag)) for tag in tags if _is_style_sheet(tag)]
    rules = [rule for _, sheet in sheets for rule in sheet.rules]
    if not rules:
        return html
    selected = select(html, tags, {one.elements for rule in rules for one in rule.selectors if one.elements})
    cascade = _Cascade()
    for number, rule in enumerate(rules):
        _add_rule(cascade, rule, number, selected, path)
    own = [frozenset(_family(one.name) for one in read_declarations(_value(tag, "style"))) for tag in tags]
    end = max((tag.raw[1] for tag, sheet in sheets if sheet.closed), default=None)
    inlined, repeated = _settle(cascade, own, may_repeat=end is not None)
    added = [
        one for at, uses in inlined.items() if tags[at].name not in _NEVER_STYLED for one in _style(tags[at], uses)
    ]
    if end is not None:
        added += [(end, _repetition(cascade.kept[at])) for at in repeated]
    changed = insert(html, sorted(added, key=itemgetter(0)))
    by_style = {selector: elements for selector, elements in selected.items() if "[style" in selector.lower()}
    if by_style and select(changed, tuple(start_tags(changed)), by_style) != by_style:
        return html  # rules that look at `style` attributes would select other elements
    return changed


# Reading ---------------------------------------------------------------------------------------------------------


def _is_style_sheet(tag: StartTag) -> bool:
    return tag.name == "style" and _value(tag, "type").lower() in ("", "text/css")


def _sheet(html: str, tag: StartTag) -> StyleSheet:
    return read_style_sheet(html[slice(*tag.raw)], _value(tag, "media"))


def _value(tag: StartTag, name: str) -> str:
    written, _ = tag.attributes.get(name, ("", 0))
    return decode(written.strip(written[0]) if written[:1] in tuple(_QUOTES) else written).strip()


def _add_rule(
    cascade: _Cascade, rule: Rule, number: int, selected: Mapping[str, frozenset[int] | None], path: tuple[str, ...]
) -> None:
    families: defaultdict[str, list[Declaration]] = defaultdict(list)
    for declaration in rule.declarations:
        families[_family(declaration.name)].append(declaration)
    certain = all(selector.certain for selector in rule.selectors)
    for selector in rule.selectors:
        elements = selected[selector.elements] if selector.elements else None
        if selector.pseudo_element:
            continue
        if elements is None:
            cascade.unclear.update(families)
            continue
        cascade.size += len(elements) * len(rule.declarations)
        if cascade.size > MAX_STYLED:
            raise Refusal(RefusalCode.TEMPLATE_INVALID, "The style sheets select too many elements.", path)
        inlined = rule.always and certain and selector.always and not selector.text.endswith("*")
        for family, declarations in families.items():
            kept = None if inlined else len(cascade.kept)
            if not inlined:
                said = tuple(declarations)
                may_repeat = rule.repeatable and certain
                cascade.kept.append(_Kept(rule=rule, selector=selector, declarations=said, repeatable=may_repeat))
            for one in declarations:
                use = _Use((one.important, selector.specificity, number), f"{one.name}:{one.value}", kept)
                for element in elements:
                    cascade.uses[element, family].append(use)


def _family(name: str) -> str:
    """Properties of which one may set another are of one family."""
    if name.startswith(_VENDORS):
        name = name[name.index("-", 1) + 1 :]
    name = _OF_SHORTHAND.get(name, name)
    return next((short for short in _SHORTHANDS if name == short or name.startswith(f"{short}-")), name)


# Deciding --------------------------------------------------------------------------------------------------------


def _settle(
    cascade: _Cascade, own: Sequence[frozenset[str]], *, may_repeat: bool
) -> tuple[dict[int, list[_Use]], list[int]]:
    """What is inlined, by element, the strongest last; and which of the kept are repeated."""
    for uses in cascade.uses.values():
        uses.sort(key=attrgetter("strength"))
    rows = {place: _staying(uses) for place, uses in cascade.uses.items()}
    barred = {at for at, kept in enumerate(cascade.kept) if not (kept.repeatable and may_repeat)}
    for place, row in rows.items():
        strongest = max((use.strength for use in cascade.uses[place] if use.kept is None), default=None)
        if row and _overruled(place, cascade, own):
            barred.update(row)
        elif strongest is not None:
            barred.update(at for at, strength in row.items() if strength < strongest)
    barred = _spread(barred, [[*reversed(row)] for row in rows.values()])

    inlined: defaultdict[int, list[_Use]] = defaultdict(list)
    repeated: set[int] = set()
    beating = {place: _beating(uses, rows[place]) for place, uses in cascade.uses.items()}
    blocked = {place for place, beats in beating.items() if beats & barred or place[1] in cascade.unclear}
    for (element, family), uses in cascade.uses.items():
        # White on white may be what one of these two without the other makes.
        together = _PAINT if family in _PAINT else (family,)
        if element != UNNUMBERED and not any((element, other) in blocked for other in together):
            inlined[element] += (use for use in uses if use.kept is None)
            repeated |= beating[element, family]
    return inlined, sorted(_spread(repeated, [[*row] for row in rows.values()]))


def _staying(uses: Iterable[_Use]) -> dict[int, _Strength]:
    """What stays behind and would lose to what is inlined, the weakest first."""
    return {use.kept: use.strength for use in uses if use.kept is not None and not use.strength[0]}


def _beating(uses: Iterable[_Use], row: Mapping[int, _Strength]) -> set[int]:
    """What of these wins over something that may be inlined."""
    weakest = next((use.strength for use in uses if use.kept is None), None)
    return {at for at, strength in row.items() if weakest is not None and strength > weakest}


def _overruled(place: _Place, cascade: _Cascade, own: Sequence[frozenset[str]]) -> bool:
    """Whether a rule repeated with `!important` could win here against something that beats it for the author."""
    element, family = place
    if element == UNNUMBERED or family in cascade.unclear or not own[element].isdisjoint((family, "animation")):
        return True
    return (element, "animation") in cascade.uses or any(use.strength[0] for use in cascade.uses[place])


def _spread(seeds: set[int], rows: Iterable[list[int]]) -> set[int]:
    """The seeds, and whatever comes behind one of the found in a row. Linear in the rows, which it uses up."""
    places: defaultdict[int, list[tuple[list[int], int]]] = defaultdict(list)
    for row in rows:
        for at, member in enumerate(row):
            places[member].append((row, at))
    found, waiting = set(seeds), list(seeds)
    while waiting:
        for row, at in places[waiting.pop()]:
            new = [member for member in row[at + 1 :] if member not in found]
            del row[at + 1 :]
            found.update(new)
            waiting += new
    return found


# Writing ---------------------------------------------------------------------------------------------------------


def _style(tag: StartTag, uses: Iterable[_Use]) -> Iterator[tuple[int, str]]:
    """What is put into a start tag, and where, so that it stands before the author's own declarations."""
    strongest_last = sorted(uses, key=attrgetter("strength"))
    texts = reversed(dict.fromkeys(use.text for use in reversed(strongest_last)))
    style = ";".join(text if re.search(r"['\\]", text) else text.replace('"', "'") for text in texts)
    written, start = tag.attributes.get("style", ("", 0))
    quote = written[0] if written[:1] in _QUOTES else '"'
    style = style.replace("&", "&amp;").replace(quote, _QUOTES[quote])
    if not style:
        return
    if not written:
        yield tag.name_end, f' style="{style}"'
    elif written[0] in _QUOTES:
        yield start + 1, f"{style};"
    elif '"' not in written:
        yield start, f'"{style};'
        yield start + len(written), '"'


def _repetition(kept: _Kept) -> str:
    declarations = ";".join(f"{one.name}:{one.value}!important" for one in kept.declarations)
    opened = "".join(f"{condition}{{" for condition in kept.rule.conditions)
    return f"\n{opened}{kept.selector.text}{{{declarations}}}{'}' * len(kept.rule.conditions)}"
