"""Links of a mail, found by a real HTML parser and rewritten in place; and the pixel. The only importer of selectolax.

lexbor (selectolax) decides what is a link and writes the document as it must read afterwards. Its serialisation
spells attributes and entities its own way, though, so only the `href` values in the author's source are changed, and
the result is kept when lexbor reads it as exactly that document; a document too broken for that is taken as lexbor
repaired it. Either way every other attribute, text and entity means what it meant.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from gateway.errors import Refusal, RefusalCode
from gateway.mail.tracking import trackable
from gateway.templates.typed_urls import typed_urls

MAX_LINKS = 1000
"""Links a mail part may have: clicks are shown by link, and no mail for people has more (`template_version.links`)."""

MAX_OPEN_ELEMENTS = 5000
"""Elements opened and never closed: the parser's time grows with the square of their depth."""

MANY_ATTRIBUTES = 1000
"""Attributes of one tag: what people and their programs write has some dozen."""

OUT_OF_MEMORY = (MemoryError, SelectolaxError)
"""What parsing raises when there is no memory left for it."""
NO_TRACK = "data-no-track"
"""The attribute that leaves a link, or every link inside its element, as the author wrote it."""

_NUMBER = "data-jx-number"
_TRACKABLE_ELEMENTS = ("a", "area")
_NEVER_SHOWN = frozenset({"title", "style", "script", "template", "textarea"})
_HEAD = frozenset(["html", "head", "title", "meta", "link", "style", "base", "noscript", "script", "template"])
_LEADING_AWAY = ("href", "xlink:href", "target")
# As browsers draw links by themselves, weaker than any rule of the author's.
_LINK_STYLE = ":where(a) { color: LinkText; text-decoration: underline }"
VOID_ELEMENTS = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
_RAW_TEXT = ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes")
_RAW_TEXT_ENDS = {name: re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE) for name in _RAW_TEXT}
_MARKUP = re.compile(
    r"<!--(?:>|->|.*?(?:--!?>|\Z))|<[!?].*?(?:>|\Z)|<(?P<end>/?)(?P<name>[a-zA-Z][^\t\n\f\r />]*)", re.DOTALL
)
_ATTRIBUTE = re.compile(
    r"[\t\n\f\r /]*(?P<name>[^\t\n\f\r />][^\t\n\f\r />=]*)"
    r"(?:[\t\n\f\r ]*=[\t\n\f\r ]*(?P<value>\"[^\"]*(?:\"|\Z)|'[^']*(?:'|\Z)|[^\t\n\f\r >]*))?"
)
_TAG_END = re.compile(r"[\t\n\f\r /]*>")
_URL_PADDING = str.maketrans("", "", "\t\n\r")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewritten:
    """One part with its links rewritten; `urls` are the original addresses, the lowest link number first."""

    html: str
    urls: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """Where things lie in the author's source: each link's `href` value with its quotes, and the last `</body>`.

    `open` is how many start tags have no end tag.
    """

    hrefs: tuple[tuple[int, int], ...]
    body_end: int | None
    open: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Tag:
    """A start or end tag; `attributes` are of a start tag, by lower-case name, None where one has no value."""

    name: str
    ends: bool
    attributes: Mapping[str, str | None]


_NO_ATTRIBUTES: Mapping[str, str | None] = {}


def parsed_page(html: str) -> Iterator[Tag | str]:
    """Yields a page's elements as start and end tags, and its texts between them, as the parser repairs it.

    Every start has its end, also `br` and `img`. Comments and what `template` holds are left out.
    """
    root = LexborHTMLParser(html).root
    opened: list[tuple[int, str]] = []
    for node in root.traverse(include_text=True) if root is not None else ():
        parent = node.parent.mem_id if node.parent is not None else None
        while opened and opened[-1][0] != parent:
            yield Tag(name=opened.pop()[1], ends=True, attributes=_NO_ATTRIBUTES)
        if node.is_text_node:
            yield node.text_content or ""
        elif node.is_element_node:
            name = node.tag or ""
            opened.append((node.mem_id, name))
            yield Tag(name=name, ends=False, attributes=node.attributes)
    for _, name in reversed(opened):
        yield Tag(name=name, ends=True, attributes=_NO_ATTRIBUTES)


@dataclass(frozen=True, kw_only=True, slots=True)
class StartTag:
    """A start tag and where it stands: `name_end` behind its name; `attributes` with the place of each value, quotes
    included; `raw` the text behind it that holds no markup, as of `<style>`."""

    name: str
    name_end: int
    attributes: Mapping[str, tuple[str, int]]
    raw: tuple[int, int]


def start_tags(html: str) -> Iterator[StartTag]:
    """Start tags in their order, as the HTML standard's tokenizer reads them, those in comments left out. Linear."""
    position = 0
    while markup := _MARKUP.search(html, position):
        position = markup.end()
        if markup["name"] is None:
            continue
        name = markup["name"].lower()
        attributes: dict[str, tuple[str, int]] = {}
        while not (end := _TAG_END.match(html, position)) and (attribute := _ATTRIBUTE.match(html, position)):
            position = attribute.end()
            attributes.setdefault(attribute["name"].lower(), (attribute["value"] or "", attribute.start("value")))
        if end is None:
            return
        position = raw_start = end.end()
        if name in _RAW_TEXT and not markup["end"]:
            closing = _RAW_TEXT_ENDS[name].search(html, position)
            position = closing.start() if closing else len(html)
        if not markup["end"]:
            yield StartTag(name=name, name_end=markup.end(), attributes=attributes, raw=(raw_start, position))


def insert(html: str, added: Iterable[tuple[int, str]]) -> str:
    """The text with each of these put in at its place; places rise."""
    pieces, position = [], 0
    for place, text in added:
        pieces += [html[position:place], text]
        position = place
    return "".join([*pieces, html[position:]])


UNNUMBERED = -1
"""Stands for elements without a start tag of their own in the source, or with more than one element a tag."""


def select(html: str, tags: Sequence[StartTag], selectors: Iterable[str]) -> dict[str, frozenset[int] | None]:
    """Which elements each selector selects, by the places of their start tags among `tags`; None: not understood."""
    tree = LexborHTMLParser(insert(html, ((tag.name_end, f' {_NUMBER}="{at}"') for at, tag in enumerate(tags))))
    marked = ((node.mem_id, node.attributes[_NUMBER] or "") for node in tree.css(f"[{_NUMBER}]"))
    numbers = {node: int(number) for node, number in marked if number.isdecimal()}
    seen = Counter(numbers.values())
    found: dict[str, frozenset[int] | None] = {}
    for selector in selectors:
        try:
            nodes = tree.css(selector)
        except SelectolaxError:
            found[selector] = None
            continue
        places = (numbers.get(node.mem_id, UNNUMBERED) for node in nodes)
        found[selector] = frozenset(place if seen[place] == 1 else UNNUMBERED for place in places)
    return found


def too_complex(html: str) -> bool:
    """Whether parsing a page would take long: somewhere more than MAX_OPEN_ELEMENTS are open, or a tag has more than
    MANY_ATTRIBUTES, in whose squares the parser's time grows. Linear."""
    opened: Counter[str] = Counter()
    total = position = 0
    while markup := _MARKUP.search(html, position):
        position = markup.end()
        if markup["name"] is None:
            continue
        name, attributes = markup["name"].lower(), 0
        while not (end := _TAG_END.match(html, position)) and (attribute := _ATTRIBUTE.match(html, position)):
            position, attributes = attribute.end(), attributes + 1
        if attributes > MANY_ATTRIBUTES or end is None:
            return attributes > MANY_ATTRIBUTES
        position = end.end()
        change = -min(opened[name], 1) if markup["end"] else int(name not in VOID_ELEMENTS)
        opened[name] += change
        total += change
        if total > MAX_OPEN_ELEMENTS:
            return True
        if name in _RAW_TEXT and not markup["end"]:
            closing = _RAW_TEXT_ENDS[name].search(html, position)
            position = closing.start() if closing else len(html)
    return False


def rewrite_html(html: str, *, link: Callable[[int, str], str], field: tuple[str, ...] = ()) -> Rewritten:
    """An HTML part with every http(s) link of an `a` or `area` replaced by `link(number, address)`.

    Numbers follow document order, from 1. Left alone: other schemes (`mailto:`, `tel:`, `javascript:`), anchors,
    relative and over-long links, and links marked or inside an element marked `data-no-track`. Raises
    Refusal(TOO_MANY) above MAX_LINKS or MAX_OPEN_ELEMENTS, with `field` as its path.
    """
    source = _read_source(html)
    if source.open > MAX_OPEN_ELEMENTS:
        raise Refusal(
            RefusalCode.TOO_MANY, f"The HTML leaves more than {MAX_OPEN_ELEMENTS} elements open: close them.", field
        )
    tree = LexborHTMLParser(html)
    nodes = _links(tree)
    excluded = _excluded(tree) if NO_TRACK in html.lower() else frozenset()
    urls: list[str] = []
    addresses: list[str | None] = []
    for node in nodes:
        url = _web_address(node)
        if url is None or node.mem_id in excluded:
            addresses.append(None)
            continue
        urls.append(url)
        _refuse_too_many(len(urls), field)
        node.attrs["href"] = address = link(len(urls), url)
        addresses.append(address)
    wanted = tree.html or ""
    changed = _replace_hrefs(html, source, addresses) if urls else html
    if LexborHTMLParser(changed).html != wanted:
        changed = wanted
    return Rewritten(html=changed, urls=tuple(urls))


def add_pixel(html: str, *, pixel: str, honeypot: str | None = None, early: bool = False) -> str:
    """The document with the pixel, and before it the honeypot where one is given, at the end of its body, or `early`.

    Early is before the first element of the body, for pages that are so long that clients cut their end off.

    A document in which they would not be seen (a comment never closed, say) comes back as the parser repairs it.
    """
    added = (_honeypot_link(honeypot) if honeypot else "") + _pixel_image(pixel, early=early)
    placed = _at_body_start(html, added) if early else _before_body_end(html, added)
    whole = LexborHTMLParser(placed)
    found = {node.attributes.get("src") for node in whole.css("img")}
    found |= {node.attributes.get("href") for node in _links(whole)}
    if {pixel, honeypot} - {None} <= found:
        return placed
    return _before_body_end(LexborHTMLParser(html).html or "", added)


def rewrite_text(text: str, *, link: Callable[[int, str], str], first: int, field: tuple[str, ...] = ()) -> Rewritten:
    """What people typed with every http(s) address in it replaced by `link(number, address)` (`typed_urls`).

    Numbers go up from `first`: the links of the HTML part come before. Raises Refusal(TOO_MANY) above MAX_LINKS.
    """
    urls: list[str] = []
    pieces: list[str] = []
    at = 0
    for start, end in typed_urls(text):
        url = text[start:end]
        if trackable(url):
            urls.append(url)
            _refuse_too_many(len(urls), field)
            pieces += [text[at:start], link(first + len(urls) - 1, url)]
            at = end
    return Rewritten(html="".join([*pieces, text[at:]]), urls=tuple(urls))


def without_links(html: str) -> str:
    """The document with links that look like links and lead nowhere, for a preview."""
    tree = LexborHTMLParser(html)
    for node in tree.css(", ".join(_TRACKABLE_ELEMENTS)):
        for name in _LEADING_AWAY:
            if name in node.attributes:
                del node.attrs[name]
    style = tree.create_node("style")
    style.insert_child(_LINK_STYLE)
    head = tree.head
    if head is not None and head.first_child is not None:
        head.first_child.insert_before(style)
    elif head is not None:
        head.insert_child(style)
    return tree.html or ""


@dataclass(frozen=True, kw_only=True, slots=True)
class VisibleContent:
    """What a page shows: its text, and the addresses of the links that have text or a picture to click on."""

    words: str
    links: tuple[str, ...]


def visible_content(html: str) -> VisibleContent:
    """What the parser says is shown: no comment, no attribute except the links' addresses, no title, no style sheet."""
    tree = LexborHTMLParser(html)
    links = [node for node in tree.css("a[href]") if node.css_first("img") is not None or _words(node).strip()]
    return VisibleContent(
        words=_words(tree.root) if tree.root is not None else "",
        links=tuple(node.attributes["href"] or "" for node in links),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class PageFaults:
    """What may look wrong in a page: how many images say nothing in their place, how many links are not encrypted, and
    the first of these. `image_lines` and `link_lines` are theirs in the author's source, as far as it is known."""

    images_without_alt: int = 0
    links_not_https: int = 0
    first_link: str = ""
    image_lines: tuple[int, ...] = ()
    link_lines: tuple[int, ...] = ()


WITHOUT_FAULTS = PageFaults()


MAX_LINES = 20
"""Lines that are named of one kind of fault: who has more mends these first."""
_IMAGES = frozenset(["img", "mj-image", "mj-carousel-image"])


def page_faults(html: str, source: str = "") -> PageFaults:
    """What may look wrong in a page, and where in its author's source, MJML or HTML. An empty `alt` is right: the image
    only decorates."""
    tree = LexborHTMLParser(html)
    links = [(node.attributes.get("href") or "").strip() for node in _links(tree)]
    plain = [link for link in links if link.lower().startswith("http:")]
    images = len(tree.css("img:not([alt])"))
    places = list(_places_of_faults(source)) if images or plain else []
    return PageFaults(
        images_without_alt=images,
        links_not_https=len(plain),
        first_link=plain[0] if plain else "",
        image_lines=_lines(source, (place for place, is_image in places if is_image)) if images else (),
        link_lines=_lines(source, (place for place, is_image in places if not is_image)) if plain else (),
    )


def _places_of_faults(source: str) -> Iterator[tuple[int, bool]]:
    """Where a source has an image without a text or a link that is not https, in order; which of both."""
    for tag in start_tags(source):
        if tag.name in _IMAGES and "alt" not in tag.attributes:
            yield tag.name_end, True
        link, place = tag.attributes.get("href", ("", 0))
        if link.strip("\"' \t\n\f\r").lower().startswith("http:"):
            yield place, False


def _lines(source: str, places: Iterable[int]) -> tuple[int, ...]:
    """The lines of these places, which rise: each once, from 1, at most MAX_LINES."""
    found: dict[int, None] = {}
    line, position = 1, 0
    for place in places:
        line, position = line + source.count("\n", position, place), place
        found[line] = None
        if len(found) == MAX_LINES:
            break
    return tuple(found)


def _words(inside: LexborNode) -> str:
    return "".join(
        node.text_content or ""
        for node in inside.traverse(include_text=True)
        if node.is_text_node and (node.parent is None or node.parent.tag not in _NEVER_SHOWN)
    )


def _refuse_too_many(number: int, field: tuple[str, ...]) -> None:
    if number > MAX_LINKS:
        raise Refusal(RefusalCode.TOO_MANY, f"A mail may have at most {MAX_LINKS} links: remove some.", field)


def _links(tree: LexborHTMLParser) -> list[LexborNode]:
    return tree.css(", ".join(f"{name}[href]" for name in _TRACKABLE_ELEMENTS))


def _excluded(tree: LexborHTMLParser) -> frozenset[int]:
    return frozenset(node.mem_id for node in tree.css(f"[{NO_TRACK}], [{NO_TRACK}] *"))


def _web_address(node: LexborNode) -> str | None:
    # As browsers read an address: spaces around it and line breaks in it do not count (WHATWG URL, 4.4).
    url = (node.attributes.get("href") or "").strip(" \t\n\f\r").translate(_URL_PADDING)
    return url if trackable(url) else None


def _replace_hrefs(html: str, source: _Source, addresses: list[str | None]) -> str:
    """The author's source with the nth link's `href` set to the nth address; unchanged where it is None.

    When the source does not show as many links as the parser found, it comes back as it was.
    """
    spans = source.hrefs
    if len(spans) != len(addresses):
        return html
    pieces, position = [], 0
    for (start, end), address in zip(spans, addresses, strict=True):
        if address is not None:
            pieces += [html[position:start], f'"{escape(address)}"']
            position = end
    return "".join([*pieces, html[position:]])


def _read_source(html: str) -> _Source:
    """Tags as the HTML standard's tokenizer sees them, comments and raw text passed over; linear in the source."""
    hrefs: list[tuple[int, int]] = []
    body_end: int | None = None
    opened: Counter[str] = Counter()
    position = 0
    while markup := _MARKUP.search(html, position):
        position = markup.end()
        if markup["name"] is None:
            continue
        name = markup["name"].lower()
        href, position = _read_attributes(html, position)
        if markup["end"]:
            opened[name] = max(opened[name] - 1, 0)
            body_end = markup.start() if name == "body" else body_end
            continue
        opened[name] += name not in VOID_ELEMENTS
        if name in _TRACKABLE_ELEMENTS and href:
            hrefs.append(href)
        elif name in _RAW_TEXT:
            closing = _RAW_TEXT_ENDS[name].search(html, position)
            position = closing.start() if closing else len(html)
    return _Source(hrefs=tuple(hrefs), body_end=body_end, open=opened.total())


def _read_attributes(html: str, position: int) -> tuple[tuple[int, int] | None, int]:
    """The span of the tag's first `href` value, and where the tag ends."""
    href: tuple[int, int] | None = None
    while not (end := _TAG_END.match(html, position)):
        attribute = _ATTRIBUTE.match(html, position)
        if attribute is None:
            return None, len(html)
        position = attribute.end()
        if href is None and attribute["name"].lower() == "href":
            href = attribute.span("value") if attribute["value"] is not None else (position, position)
    return href, end.end()


def _before_body_end(html: str, added: str) -> str:
    end = _read_source(html).body_end
    return html + added if end is None else html[:end] + added + html[end:]


def _at_body_start(html: str, added: str) -> str:
    first = next((tag for tag in start_tags(html) if tag.name not in _HEAD), None)
    if first is None:
        return html + added
    place = first.raw[0] if first.name == "body" else first.name_end - len(first.name) - 1
    return html[:place] + added + html[place:]


def _pixel_image(address: str, *, early: bool) -> str:
    # Before the page, a line of text's height would push it down.
    style = "border:0;height:1px;width:1px" + (";display:block" if early else "")
    return f'<img src="{escape(address)}" width="1" height="1" alt="" style="{style}">'


def _honeypot_link(address: str) -> str:
    # Hidden from eyes, keyboards and screen readers: only a machine that fetches every link comes here.
    return f'<a href="{escape(address)}" aria-hidden="true" tabindex="-1" rel="nofollow" style="display:none"></a>'
