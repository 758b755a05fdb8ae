"""Compiles campaign templates, once, when they are published.

Authors write text with `{{ field }}` and `{{ field|default("x") }}`, and no other code; `customer.name` and
`customer.attributes.NAME` are fields, too. MJML becomes HTML, CSS is
inlined, links are numbered, the pixel is placed, and each part is cut into pieces (`merge_fields`). What campaign mail
must show and the author left out is added at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.errors import Refusal, RefusalCode
from gateway.mail.merge_data import MAX_MERGE_FIELDS, TEMPLATE_FIELD
from gateway.mail.quoted_printable import encode_piece
from gateway.templates.character_references import decode
from gateway.templates.html_links import add_pixel, rewrite_html, rewrite_text
from gateway.templates.html_to_text import text_of_html
from gateway.templates.mail_warnings import LARGEST_SHOWN, sent_size
from gateway.templates.merge_fields import (
    NOT_IN_SUBJECT,
    PIECE_PLACEHOLDER,
    SUPPLIED,
    Field,
    Link,
    MergeParts,
    Piece,
    TrackingTag,
    clickable_pieces,
    fields_of,
    merge_key,
    names_field,
    visible_pieces,
)
from gateway.templates.mjml import LARGEST_SOURCE, compile_mjml, inline_css, state_language
from gateway.templates.template_code import TemplateCode, protect_code

_FIELD = re.compile(
    rf"\{{\{{\s*({TEMPLATE_FIELD.pattern})\s*(?:\|\s*default\(\s*(?:\"([^\"\\]*)\"|'([^'\\]*)')\s*\)\s*)?\}}\}}"
)
_FORBIDDEN = re.compile(r"\{%|\{\{")
_STYLE_STARTS = re.compile(r"<(?:mj-)?style\b", re.IGNORECASE)
_STYLE_ENDS = re.compile(r"</(?:mj-)?style\b", re.IGNORECASE)
_PLACEHOLDER_SIGN = re.compile("[\ue000\ue001]")

_FIELD_DOMAIN = ".field.invalid"
# A field that is a whole link stands as a web address of this domain for as long as links are looked for.

_POSTAL_ADDRESS = Field(name="postal_address", default=None)
_UNSUBSCRIBE_URL = Field(name="unsubscribe_url", default=None)


def compile_parts(
    *, subject: str, mjml: str | None, html: str | None, text: str | None, locale: str = "en"
) -> MergeParts:
    """A template's parts, compiled. Exactly one of `mjml` and `html`; without `text` it is derived from the page.

    The page says that it is in `locale` (BCP 47) where its author does not say a language.

    Raises Refusal: TEMPLATE_INVALID, INVALID, TOO_LONG, TOO_MANY.
    """
    path = ("mjml",) if mjml is not None else ("html",)
    for source, where in ((subject, ("subject",)), (mjml or html or "", path), (text or "", ("text",))):
        _check_source(source, where)
    page, code = _prepare(mjml=mjml, html=html, locale=locale, path=path)
    pieces = _Pieces()
    html_pieces, derived, links = _assemble_page(page, code, pieces, path)
    if text is not None and text.strip():
        text_pieces = _assemble_typed(text, pieces, first=links + 1)
    else:
        text_pieces = derived or _assemble_typed(subject, pieces, first=links + 1)
    unsubscribe = names_field(clickable_pieces(html_pieces), "unsubscribe_url")
    return _parts(_read_subject(subject), html_pieces, _with_footer(text_pieces, unsubscribe=unsubscribe), links)


# Reading what authors wrote --------------------------------------------------------------------------------------


def _check_source(source: str, path: tuple[str, ...]) -> None:
    """Refuse code other than fields, and sources above the limit. Raises Refusal."""
    if len(source.encode("utf-8", "surrogatepass")) > LARGEST_SOURCE:
        raise Refusal(RefusalCode.TOO_LONG, f"A template has at most {LARGEST_SOURCE // 1024} KiB.", path)
    if "\0" in source or re.search("[\ud800-\udfff]", source):
        raise Refusal(RefusalCode.INVALID, "NUL and broken Unicode characters are not allowed here.", path)
    _refuse_placeholders(source, path)
    wrong = _forbidden(_FIELD.sub("", source))
    if wrong is not None:
        raise Refusal(
            RefusalCode.TEMPLATE_INVALID,
            f'Only {{{{ field }}}} and {{{{ field|default("x") }}}} are allowed, not {wrong!r}. Of the customer there '
            "are customer.name and customer.attributes.NAME.",
            path,
        )


def _refuse_placeholders(source: str, path: tuple[str, ...]) -> None:
    """Refuse a source or page with the signs of a PIECE_PLACEHOLDER: private characters that no font shows."""
    if _PLACEHOLDER_SIGN.search(decode(source)):
        raise Refusal(RefusalCode.INVALID, "The characters U+E000 and U+E001 are not allowed here.", path)


def _forbidden(source: str) -> str | None:
    """The start of the first template code; `{#` alone is none: it stands in style sheets."""
    found = _FORBIDDEN.search(source)
    at = found.start() if found else source.find("{#")
    if at < 0 or (found is None and source.find("#}", at) < 0):
        return None
    return source[at : at + 40]


def _read_field(code: str) -> Field:
    match = _FIELD.fullmatch(code)
    if match is None:  # `_check_source` let only fields through
        raise ValueError(code)
    default = match.group(2) if match.group(2) is not None else match.group(3)
    return Field(name=merge_key(match.group(1)), default=default)


def _read_subject(subject: str) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    at = 0
    for match in _FIELD.finditer(subject):
        pieces += [subject[at : match.start()], _read_field(match.group())]
        at = match.end()
    read = tuple(piece for piece in [*pieces, subject[at:]] if piece != "")
    for field in fields_of(read):
        if field.name in NOT_IN_SUBJECT:
            message = f"A subject cannot hold {{{{ {field.name} }}}}: put it into the body."
            raise Refusal(RefusalCode.TEMPLATE_INVALID, message, ("subject",))
    return read


def _prepare(*, mjml: str | None, html: str | None, locale: str, path: tuple[str, ...]) -> tuple[str, TemplateCode]:
    """The page as mail programs can show it, its fields replaced by words; and the fields."""
    source = mjml if mjml is not None else html or ""
    if re.search(r"<script\b", source, re.IGNORECASE):
        raise Refusal(RefusalCode.TEMPLATE_INVALID, "Mail clients run no scripts: remove <script>.", path)
    source = state_language(source, locale, element="html" if mjml is None else "mjml")
    page, code = protect_code(source, _FIELD)
    if _has_field_in_style(page, code):
        raise Refusal(RefusalCode.TEMPLATE_INVALID, "Fields cannot stand inside <style>.", path)
    href_start = re.compile(rf"((?i:\bhref)\s*=\s*(?:[\"']\s*)?)({code.word})")
    page = href_start.sub(_field_address(code), page)
    if mjml is not None:
        page = compile_mjml(page, path)
    page = inline_css(page, path)
    _refuse_placeholders(page, path)
    return page, code


def _has_field_in_style(page: str, code: TemplateCode) -> bool:
    word = re.compile(code.word)
    at = 0
    while start := _STYLE_STARTS.search(page, at):
        end = _STYLE_ENDS.search(page, start.end())
        at = end.end() if end else len(page)
        if word.search(page, start.end(), at):
            return True
    return False


def _field_address(code: TemplateCode) -> Callable[[re.Match[str]], str]:
    """Makes a field that is a whole link look like a web address to the link finder; our own URL is left alone."""

    def address(match: re.Match[str]) -> str:
        field = _read_field(code.pieces[int(match.group(3))])
        if field.name in SUPPLIED:
            return match.group()
        return f"{match.group(1)}https://{match.group(2)}{_FIELD_DOMAIN}"

    return address


# Pieces ----------------------------------------------------------------------------------------------------------


class _Pieces:
    """The pieces of both parts; each stands in a text as a PIECE_PLACEHOLDER, by which the whole is then split."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []

    def placeholder(self, piece: Piece) -> str:
        """What stands for the piece."""
        self._pieces.append(piece)
        return f"\ue000{len(self._pieces) - 1}\ue001"

    def split(self, text: str, code: TemplateCode) -> tuple[Piece, ...]:
        """A text with placeholders and code as pieces; it ends a line."""
        text = code.restore(text, lambda found: self.placeholder(_read_field(found)))
        split: list[Piece] = []
        at = 0
        for match in PIECE_PLACEHOLDER.finditer(text):
            split += [text[at : match.start()], self._pieces[int(match.group(1))]]
            at = match.end()
        split.append(text[at:] if text[at:].endswith("\n") else text[at:] + "\n")
        return tuple(piece for piece in split if piece != "")


def _assemble_page(
    page: str, code: TemplateCode, pieces: _Pieces, path: tuple[str, ...]
) -> tuple[tuple[Piece, ...], tuple[Piece, ...], int]:
    """Returns the page in pieces, its text with the same links, empty where it has no words, and how many it has."""
    field_url = re.compile(rf"https://({code.word}){re.escape(_FIELD_DOMAIN)}")
    meanings: dict[str, str] = {}

    def link(number: int, url: str) -> str:
        url = field_url.sub(r"\1", url)
        placeholder = pieces.placeholder(Link(number=number, destination=_destination(url, code)))
        meanings[placeholder] = url
        return placeholder

    rewritten = rewrite_html(page, link=link, field=path)
    # What is left of fields that are whole links is not to be counted.
    html = re.sub(rf"{field_url.pattern}[^\"'\s<>]*", lambda left: link(0, decode(left.group())), rewritten.html)
    words = text_of_html(html, meanings)
    pixel, honeypot = (f"https://{code.key}.{kind}.invalid/" for kind in ("pixel", "honeypot"))
    early = sent_size(len(page.encode()), len(rewritten.urls)) > LARGEST_SHOWN
    html = add_pixel(html, pixel=pixel, honeypot=honeypot, early=early)
    html = _replace_tracking_tags(html, pixel, honeypot, pieces)
    derived = pieces.split(words, code) if words.strip() else ()
    return _with_postal_address(pieces.split(html, code)), derived, len(rewritten.urls)


def _assemble_typed(text: str, pieces: _Pieces, *, first: int) -> tuple[Piece, ...]:
    """A text that its author wrote, in pieces; its links are numbered from `first`."""
    protected, code = protect_code(text, _FIELD)
    lines = rewrite_text(
        protected,
        link=lambda number, url: pieces.placeholder(Link(number=number, destination=_destination(url, code))),
        first=first,
        field=("text",),
    )
    return pieces.split(lines.html, code)


def _destination(url: str, code: TemplateCode) -> tuple[str | Field, ...]:
    """A link's address, its words of code replaced by their fields."""
    pieces: list[str | Field] = []
    at = 0
    for match in re.finditer(code.word, url):
        pieces += [url[at : match.start()], _read_field(code.pieces[int(match.group(1))])]
        at = match.end()
    return tuple(piece for piece in [*pieces, url[at:]] if piece != "")


def _replace_tracking_tags(html: str, pixel: str, honeypot: str, pieces: _Pieces) -> str:
    """Pixel and honeypot as one piece each, markup and all: an untracked mail leaves them out whole."""
    for kind, url, element in (("honeypot", honeypot, "a"), ("pixel", pixel, "img")):
        found = re.search(rf'(<{element} (?:src|href)="){re.escape(url)}("[^>]*>(?:</a>)?)', html)
        if found is None:
            raise ValueError(f"the {kind} is not in the page")
        piece = TrackingTag(kind=kind, before=found.group(1), after=found.group(2))
        html = html[: found.start()] + pieces.placeholder(piece) + html[found.end() :]
    return html


def _with_postal_address(html: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """A page that shows the sender's postal address: where its author did not put it, at its end."""
    if names_field(visible_pieces(html), "postal_address"):
        return html
    for place in reversed(range(len(html))):
        piece = html[place]
        at = piece.rfind("</body") if isinstance(piece, str) else -1
        if isinstance(piece, str) and at >= 0:
            placed = (*html[:place], piece[:at] + "<p>", _POSTAL_ADDRESS, "</p>" + piece[at:], *html[place + 1 :])
            if names_field(visible_pieces(placed), "postal_address"):
                return placed
            break  # that end stands in a comment
    return (*html, "<p>", _POSTAL_ADDRESS, "</p>\n")


def _with_footer(text: tuple[Piece, ...], *, unsubscribe: bool) -> tuple[Piece, ...]:
    """The text part with what it lacks of the page's footer: mail programs show either."""
    if not names_field(text, "postal_address"):
        text = (*text, "\n", _POSTAL_ADDRESS, "\n")
    if unsubscribe and not names_field(text, "unsubscribe_url"):
        text = (*text, "\n", _UNSUBSCRIBE_URL, "\n")
    return text


def _parts(subject: tuple[Piece, ...], html: tuple[Piece, ...], text: tuple[Piece, ...], links: int) -> MergeParts:
    fields = fields_of([*subject, *html, *text])
    names = dict.fromkeys(field.name for field in fields if field.name not in SUPPLIED)
    if len(names) > MAX_MERGE_FIELDS:
        raise Refusal(RefusalCode.TOO_MANY, f"A template has at most {MAX_MERGE_FIELDS} fields.", ("subject",))
    required = dict.fromkeys(field.name for field in fields if field.name in names and field.default is None)
    return MergeParts(
        subject=subject,
        html=html,
        text=text,
        fields=tuple(names),
        required=tuple(required),
        links=links,
        coded_html=_encoded(html),
        coded_text=_encoded(text),
    )


def _encoded(pieces: tuple[Piece, ...]) -> tuple[str, ...]:
    return tuple(encode_piece(piece) if isinstance(piece, str) else "" for piece in pieces)
