"""Campaign templates: text with `{{ field }}` and `{{ field|default("x") }}`, and nothing else.

A part of a mail becomes a row of pieces: fixed text, fields, tracked links, the pixel. Fixed text never changes from
one recipient to the next, so it is encoded once; only the other pieces cost something a recipient.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from urllib.parse import quote

from gateway.errors import Refusal, RefusalCode
from gateway.mail.merge_data import MAX_MERGE_FIELDS
from gateway.mail.quoted_printable import encode_piece
from gateway.templates.html_links import Seen, add_pixel, rewrite_html, rewrite_text, seen_of
from gateway.templates.mjml import LARGEST_SOURCE, compile_mjml, hide, inline_css, refuse_hidden_words, show

SUPPLIED = frozenset({"unsubscribe_url", "postal_address", "customer_name"})
"""Fields that the gateway fills in itself."""

NOT_IN_SUBJECT = frozenset({"unsubscribe_url", "postal_address"})
"""Those that differ from what the ledger knows when it writes a message's row, which holds the subject."""

_FIELD = re.compile(
    r"\{\{\s*([A-Za-z_][A-Za-z0-9_]{0,62})\s*(?:\|\s*default\(\s*(?:\"([^\"\\]*)\"|'([^'\\]*)')\s*\)\s*)?\}\}"
)
_FORBIDDEN = re.compile(r"\{%|\{\{")
_HREF_START = re.compile(r"(\bhref\s*=\s*[\"']?\s*)(jx\d+x)", re.IGNORECASE)
_STYLE_STARTS = re.compile(r"<(?:mj-)?style\b", re.IGNORECASE)
_STYLE_ENDS = re.compile(r"</(?:mj-)?style\b", re.IGNORECASE)
_HIDDEN_FIELD = re.compile(r"jx\d+x")
FIELD_PLACEHOLDER = re.compile(r"\ue000(\d+)\ue001")
"""What stands for a piece in a text that is taken apart again: the piece's place."""
_MARK_SIGN = re.compile("[\ue000\ue001]")
_FIELD_HOST = "https://{}.field.invalid"
_FIELD_URL = re.compile(r"https://(jx\d+x)\.field\.invalid")
_FIELD_LINK = re.compile(r"https://jx\d+x\.field\.invalid[^\"]*")
_PIXEL_URL = "https://pixel.field.invalid/"
_HONEYPOT_URL = "https://honeypot.field.invalid/"
_CONTROLS = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]+")
_SAFE_SCHEMES = re.compile(r"(?i)(?:https?|mailto|tel):")


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A value put in. `default` stands in for a missing or empty one; without it the value must be given."""

    name: str
    default: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link that counts clicks; number 0 is one that does not. Its destination may itself hold fields."""

    number: int
    destination: tuple[str | Field, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackingTag:
    """The open pixel, or the link that only machines follow: markup around an address, left out when not tracked."""

    kind: str
    before: str
    after: str


Piece = str | Field | Link | TrackingTag

_POSTAL_ADDRESS = Field(name="postal_address", default=None)
_UNSUBSCRIBE_URL = Field(name="unsubscribe_url", default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeParts:
    """A template version ready to be filled in. `fields` are what authors named, `required` those without a default."""

    subject: tuple[Piece, ...]
    html: tuple[Piece, ...]
    text: tuple[Piece, ...]
    fields: tuple[str, ...]
    required: tuple[str, ...]
    links: int
    # The same fixed text as it goes over the wire, "" where a piece is put in.
    coded_html: tuple[str, ...]
    coded_text: tuple[str, ...]

    @property
    def has_unsubscribe(self) -> bool:
        """Whether whoever reads it finds the unsubscribe link."""
        return self.part_without_unsubscribe is None

    @property
    def part_without_unsubscribe(self) -> str | None:
        """`html` or `text`, the first that does not show the unsubscribe link: mail programs show either."""
        if not _names(_clickable(self.html), "unsubscribe_url"):
            return "html"
        return None if _names(self.text, "unsubscribe_url") else "text"

    @property
    def part_without_postal_address(self) -> str | None:
        """`html` or `text`, the first that does not show the sender's postal address."""
        if not _names(_words(self.html), "postal_address"):
            return "html"
        return None if _names(self.text, "postal_address") else "text"


# Reading what authors wrote --------------------------------------------------------------------------------------


def check_source(source: str, path: tuple[str, ...]) -> None:
    """Refuse code other than fields, and sources above the limit. Raises Refusal(TEMPLATE_INVALID)."""
    if len(source.encode("utf-8", "surrogatepass")) > LARGEST_SOURCE:
        raise Refusal(RefusalCode.TOO_LONG, f"A template has at most {LARGEST_SOURCE // 1024} KiB.", path)
    if "\0" in source or re.search("[\ud800-\udfff]", source) or _MARK_SIGN.search(unescape(source)):
        raise Refusal(RefusalCode.INVALID, "NUL and broken Unicode characters are not allowed here.", path)
    wrong = _forbidden(_FIELD.sub("", source))
    if wrong is not None:
        raise Refusal(
            RefusalCode.TEMPLATE_INVALID,
            f'Only {{{{ field }}}} and {{{{ field|default("x") }}}} are allowed, not {wrong!r}.',
            path,
        )
    refuse_hidden_words(source, path)


def _forbidden(source: str) -> str | None:
    """The start of the first template code; `{#` alone is none: it stands in style sheets."""
    found = _FORBIDDEN.search(source)
    at = found.start() if found else source.find("{#")
    if at < 0 or (found is None and source.find("#}", at) < 0):
        return None
    return source[at : at + 40]


def _read_field(code: str) -> Field:
    match = _FIELD.fullmatch(code)
    if match is None:  # `check_source` let only fields through
        raise ValueError(code)
    default = match.group(2) if match.group(2) is not None else match.group(3)
    return Field(name=match.group(1), default=default)


def parse_text(text: str) -> tuple[Piece, ...]:
    """Text with fields as pieces."""
    pieces: list[Piece] = []
    at = 0
    for match in _FIELD.finditer(text):
        pieces += [text[at : match.start()], _read_field(match.group())]
        at = match.end()
    return tuple(piece for piece in [*pieces, text[at:]] if piece != "")


def compile_parts(
    *, subject: str, mjml: str | None, html: str | None, text: str | None, derive_text: Callable[[str], str]
) -> MergeParts:
    """Everything publishing does to a template: check, compile, inline, mark links and pixel. Raises Refusal."""
    path = ("mjml",) if mjml is not None else ("html",)
    for source, where in ((subject, ("subject",)), (mjml or html or "", path), (text or "", ("text",))):
        check_source(source, where)
    prepared, code = _prepare(mjml=mjml, html=html, path=path)
    if text is None or not text.strip():
        words = derive_text(_FIELD_URL.sub(r"\1", prepared))
        text = show(words, code) if words.strip() else subject
    return _assemble(subject=_read_subject(subject), prepared=prepared, code=code, text=text, path=path)


def _read_subject(subject: str) -> tuple[Piece, ...]:
    pieces = parse_text(subject)
    for field in fields_of(pieces):
        if field.name in NOT_IN_SUBJECT:
            message = f"A subject cannot hold {{{{ {field.name} }}}}: put it into the body."
            raise Refusal(RefusalCode.TEMPLATE_INVALID, message, ("subject",))
    return pieces


def _prepare(*, mjml: str | None, html: str | None, path: tuple[str, ...]) -> tuple[str, list[str]]:
    source = mjml if mjml is not None else html or ""
    if re.search(r"<script\b", source, re.IGNORECASE):
        raise Refusal(RefusalCode.TEMPLATE_INVALID, "Mail clients run no scripts: remove <script>.", path)
    hidden, code = hide(source, _FIELD)
    if _has_field_in_style(hidden):
        raise Refusal(RefusalCode.TEMPLATE_INVALID, "Fields cannot stand inside <style>.", path)
    hidden = _HREF_START.sub(_field_address(code), hidden)
    if mjml is not None:
        hidden = compile_mjml(hidden, path)
    return inline_css(hidden, path), code


def _has_field_in_style(hidden: str) -> bool:
    at = 0
    while start := _STYLE_STARTS.search(hidden, at):
        end = _STYLE_ENDS.search(hidden, start.end())
        at = end.end() if end else len(hidden)
        if _HIDDEN_FIELD.search(hidden, start.end(), at):
            return True
    return False


def _field_address(code: list[str]) -> Callable[[re.Match[str]], str]:
    """A field that is a whole link looks like a web address to the link finder; our own URL is left alone."""

    def address(match: re.Match[str]) -> str:
        field = _read_field(code[int(match.group(2)[2:-1])])
        if field.name in SUPPLIED:
            return match.group()
        return match.group(1) + _FIELD_HOST.format(match.group(2))

    return address


def _assemble(
    *, subject: tuple[Piece, ...], prepared: str, code: list[str], text: str, path: tuple[str, ...]
) -> MergeParts:
    marked: list[Piece] = []

    def mark(piece: Piece) -> str:
        marked.append(piece)
        return f"\ue000{len(marked) - 1}\ue001"

    def link(number: int, url: str) -> str:
        return mark(Link(number=number, destination=_destination(url, code)))

    html = rewrite_html(prepared, link=link, field=path)
    tagged = add_pixel(html.html, pixel=_PIXEL_URL, honeypot=_HONEYPOT_URL)
    whole = _FIELD_LINK.sub(lambda left: link(0, unescape(left.group())), _cut_marks(tagged, mark))
    whole = show(whole, code, lambda found: mark(_read_field(found)))
    words, hidden = hide(text, _FIELD)
    lines = rewrite_text(
        words,
        link=lambda number, url: mark(Link(number=number, destination=_destination(url, hidden))),
        first=len(html.urls) + 1,
        field=("text",),
    )
    body = show(lines.html, hidden, lambda found: mark(_read_field(found)))
    page = _with_postal_address(_pieces(whole, marked))
    words_too = _with_footer(_pieces(body, marked), unsubscribe=_names(_clickable(page), "unsubscribe_url"))
    return _parts(subject, page, words_too, len(html.urls))


def _with_postal_address(html: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """A page that shows the sender's postal address: where its author did not put it, at its end."""
    if _names(_words(html), "postal_address"):
        return html
    for place in reversed(range(len(html))):
        piece = html[place]
        at = piece.rfind("</body") if isinstance(piece, str) else -1
        if isinstance(piece, str) and at >= 0:
            placed = (*html[:place], piece[:at] + "<p>", _POSTAL_ADDRESS, "</p>" + piece[at:], *html[place + 1 :])
            if _names(_words(placed), "postal_address"):
                return placed
            break  # that end stands in a comment
    return (*html, "<p>", _POSTAL_ADDRESS, "</p>\n")


def _with_footer(text: tuple[Piece, ...], *, unsubscribe: bool) -> tuple[Piece, ...]:
    """The text part with what it lacks of the page's footer: mail programs show either."""
    if not _names(text, "postal_address"):
        text = (*text, "\n", _POSTAL_ADDRESS, "\n")
    if unsubscribe and not _names(text, "unsubscribe_url"):
        text = (*text, "\n", _UNSUBSCRIBE_URL, "\n")
    return text


def _destination(url: str, code: list[str]) -> tuple[str | Field, ...]:
    pieces: list[str | Field] = []
    at = 0
    url = _FIELD_URL.sub(r"\1", url)
    for match in re.finditer(r"jx(\d+)x", url):
        pieces += [url[at : match.start()], _read_field(code[int(match.group(1))])]
        at = match.end()
    return tuple(piece for piece in [*pieces, url[at:]] if piece != "")


def _cut_marks(html: str, mark: Callable[[Piece], str]) -> str:
    """Pixel and honeypot as one piece each, markup and all: an untracked mail leaves them out whole."""
    for kind, url, element in (("honeypot", _HONEYPOT_URL, "a"), ("pixel", _PIXEL_URL, "img")):
        found = re.search(rf'(<{element} (?:src|href)="){re.escape(url)}("[^>]*>(?:</a>)?)', html)
        if found is None:
            raise ValueError(f"the {kind} is not in the page")
        piece = TrackingTag(kind=kind, before=found.group(1), after=found.group(2))
        html = html[: found.start()] + mark(piece) + html[found.end() :]
    return html


def _pieces(text: str, marked: list[Piece]) -> tuple[Piece, ...]:
    """Text with marks as pieces; it ends a line."""
    pieces: list[Piece] = []
    at = 0
    for match in FIELD_PLACEHOLDER.finditer(text):
        pieces += [text[at : match.start()], marked[int(match.group(1))]]
        at = match.end()
    pieces.append(text[at:] if text[at:].endswith("\n") else text[at:] + "\n")
    return tuple(piece for piece in pieces if piece != "")


def _parts(subject: tuple[Piece, ...], html: tuple[Piece, ...], text: tuple[Piece, ...], links: int) -> MergeParts:
    fields = [*fields_of(subject), *fields_of(html), *fields_of(text)]
    names = dict.fromkeys(field.name for field in fields if field.name not in SUPPLIED)
    if len(names) > MAX_MERGE_FIELDS:
        raise Refusal(RefusalCode.TOO_MANY, f"A template has at most {MAX_MERGE_FIELDS} fields.", ("subject",))
    needed = dict.fromkeys(field.name for field in fields if field.name in names and field.default is None)
    return MergeParts(
        subject=subject,
        html=html,
        text=text,
        fields=tuple(names),
        required=tuple(needed),
        links=links,
        coded_html=tuple(encode_piece(piece) if isinstance(piece, str) else "" for piece in html),
        coded_text=tuple(encode_piece(piece) if isinstance(piece, str) else "" for piece in text),
    )


def fields_of(pieces: tuple[Piece, ...]) -> list[Field]:
    """Every field in these pieces, those in links too."""
    found: list[Field] = []
    for piece in pieces:
        if isinstance(piece, Field):
            found.append(piece)
        elif isinstance(piece, Link):
            found += [part for part in piece.destination if isinstance(part, Field)]
    return found


def _names(pieces: Iterable[Piece], name: str) -> bool:
    return any(isinstance(piece, Field) and piece.name == name for piece in pieces)


def _words(html: tuple[Piece, ...]) -> Iterator[Piece]:
    """The pieces of a page that stand among the words it shows."""
    for match in FIELD_PLACEHOLDER.finditer(_seen(html).words):
        yield html[int(match.group(1))]


def _clickable(html: tuple[Piece, ...]) -> Iterator[Piece]:
    """The pieces of a page with which the address of a link starts that shows something to click on."""
    for address in _seen(html).links:
        match = FIELD_PLACEHOLDER.match(address.strip())
        if match is not None:
            yield html[int(match.group(1))]


def _seen(html: tuple[Piece, ...]) -> Seen:
    return seen_of(with_placeholders(html))


def with_placeholders(pieces: tuple[Piece, ...]) -> str:
    """The pieces as one text, each field as a `MARK`, whatever else is put in as `#`."""
    return "".join(
        piece if isinstance(piece, str) else f"\ue000{place}\ue001" if isinstance(piece, Field) else "#"
        for place, piece in enumerate(pieces)
    )


# Filling in ------------------------------------------------------------------------------------------------------


def value_of(field: Field, values: Mapping[str, str]) -> str:
    """The field's value, its default when missing or empty. Raises Refusal(MERGE_FIELD_MISSING)."""
    value = values.get(field.name)
    if value or (value is not None and field.default is None):
        return value
    if field.default is None:
        raise Refusal(RefusalCode.MERGE_FIELD_MISSING, f"The field {field.name!r} has no value.", ("mergeData",))
    return field.default


def fill_subject(subject: tuple[Piece, ...], values: Mapping[str, str]) -> str:
    """The subject of one mail: one line, at most 998 characters, whatever the values hold."""
    filled = "".join(value_of(piece, values) if isinstance(piece, Field) else str(piece) for piece in subject)
    if filled.isprintable() and "  " not in filled:
        return filled.strip()[:998]
    return " ".join(_CONTROLS.sub(" ", filled).split())[:998]


def fill_destination(link: Link, values: Mapping[str, str]) -> str:
    """Where a link leads: a field at its start is taken as it is if it is a web, mail or telephone address, else
    the link leads nowhere (`#`); a field further on is percent-encoded."""
    pieces = []
    for number, piece in enumerate(link.destination):
        if isinstance(piece, str):
            pieces.append(piece)
            continue
        value = value_of(piece, values).strip()
        if number > 0:
            pieces.append(quote(value, safe="/:~"))
        elif _SAFE_SCHEMES.match(value):
            pieces.append(_CONTROLS.sub("", value))
        else:
            return "#"
    return "".join(pieces)
