"""Compiles campaign templates, once, when they are published.

Authors write text with `{{ field }}` and `{{ field|default("x") }}`, and no other code. MJML becomes HTML, CSS is
inlined, links are numbered, the pixel is placed, and each part is cut into pieces (`merge_fields`). What campaign mail
must show and the author left out is added at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.errors import Refusal, RefusalCode
from gateway.mail.merge_data import FIELD_NAME, MAX_MERGE_FIELDS
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
    names_field,
    visible_pieces,
)
from gateway.templates.mjml import (
    CODE_PLACEHOLDER,
    LARGEST_SOURCE,
    compile_mjml,
    inline_css,
    protect_code,
    refuse_placeholders,
    restore_code,
    state_language,
)

_FIELD = re.compile(
    rf"\{{\{{\s*({FIELD_NAME.pattern})\s*(?:\|\s*default\(\s*(?:\"([^\"\\]*)\"|'([^'\\]*)')\s*\)\s*)?\}}\}}"
)
_FORBIDDEN = re.compile(r"\{%|\{\{")
_STYLE_STARTS = re.compile(r"<(?:mj-)?style\b", re.IGNORECASE)
_STYLE_ENDS = re.compile(r"</(?:mj-)?style\b", re.IGNORECASE)
_PLACEHOLDER_SIGN = re.compile("[\ue000\ue001]")

_HREF_START = re.compile(rf"((?i:\bhref)\s*=\s*(?:[\"']\s*)?)({CODE_PLACEHOLDER.pattern})")
# A field that is a whole link stands as a web address for as long as links are looked for.
_FIELD_HOST = "https://{}.field.invalid"
_FIELD_URL = re.compile(rf"https://({CODE_PLACEHOLDER.pattern})\.field\.invalid")
_FIELD_LINK = re.compile(rf"https://{CODE_PLACEHOLDER.pattern}\.field\.invalid[^\"]*")
_PIXEL_URL = "https://pixel.field.invalid/"
_HONEYPOT_URL = "https://honeypot.field.invalid/"

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
    if text is None or not text.strip():
        words = text_of_html(_FIELD_URL.sub(r"\1", page))
        text = restore_code(words, code) if words.strip() else subject
    return _assemble(subject=_read_subject(subject), page=page, code=code, text=text, path=path)


# Reading what authors wrote --------------------------------------------------------------------------------------


def _check_source(source: str, path: tuple[str, ...]) -> None:
    """Refuse code other than fields, and sources above the limit. Raises Refusal."""
    if len(source.encode("utf-8", "surrogatepass")) > LARGEST_SOURCE:
        raise Refusal(RefusalCode.TOO_LONG, f"A template has at most {LARGEST_SOURCE // 1024} KiB.", path)
    if "\0" in source or re.search("[\ud800-\udfff]", source) or _PLACEHOLDER_SIGN.search(decode(source)):
        raise Refusal(RefusalCode.INVALID, "NUL and broken Unicode characters are not allowed here.", path)
    wrong = _forbidden(_FIELD.sub("", source))
    if wrong is not None:
        raise Refusal(
            RefusalCode.TEMPLATE_INVALID,
            f'Only {{{{ field }}}} and {{{{ field|default("x") }}}} are allowed, not {wrong!r}.',
            path,
        )
    refuse_placeholders(source, path)


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
    return Field(name=match.group(1), default=default)


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


def _prepare(*, mjml: str | None, html: str | None, locale: str, path: tuple[str, ...]) -> tuple[str, list[str]]:
    """The page as mail programs can show it, its fields replaced by placeholders; and the fields."""
    source = mjml if mjml is not None else html or ""
    if re.search(r"<script\b", source, re.IGNORECASE):
        raise Refusal(RefusalCode.TEMPLATE_INVALID, "Mail clients run no scripts: remove <script>.", path)
    source = state_language(source, locale, element="html" if mjml is None else "mjml")
    page, code = protect_code(source, _FIELD)
    if _has_field_in_style(page):
        raise Refusal(RefusalCode.TEMPLATE_INVALID, "Fields cannot stand inside <style>.", path)
    page = _HREF_START.sub(_field_address(code), page)
    if mjml is not None:
        page = compile_mjml(page, path)
    return inline_css(page, path), code


def _has_field_in_style(page: str) -> bool:
    at = 0
    while start := _STYLE_STARTS.search(page, at):
        end = _STYLE_ENDS.search(page, start.end())
        at = end.end() if end else len(page)
        if CODE_PLACEHOLDER.search(page, start.end(), at):
            return True
    return False


def _field_address(code: list[str]) -> Callable[[re.Match[str]], str]:
    """Makes a field that is a whole link look like a web address to the link finder; our own URL is left alone."""

    def address(match: re.Match[str]) -> str:
        field = _read_field(code[int(match.group(3))])
        if field.name in SUPPLIED:
            return match.group()
        return match.group(1) + _FIELD_HOST.format(match.group(2))

    return address


# Pieces ----------------------------------------------------------------------------------------------------------


def _assemble(
    *, subject: tuple[Piece, ...], page: str, code: list[str], text: str, path: tuple[str, ...]
) -> MergeParts:
    """Cut page and text into pieces: each is replaced by a PIECE_PLACEHOLDER, by which the whole is then split."""
    pieces: list[Piece] = []

    def placeholder(piece: Piece) -> str:
        pieces.append(piece)
        return f"\ue000{len(pieces) - 1}\ue001"

    def field(found: str) -> str:
        return placeholder(_read_field(found))

    def link(number: int, url: str) -> str:
        return placeholder(Link(number=number, destination=_destination(url, code)))

    rewritten = rewrite_html(page, link=link, field=path)
    early = sent_size(len(page.encode()), len(rewritten.urls)) > LARGEST_SHOWN
    html = add_pixel(rewritten.html, pixel=_PIXEL_URL, honeypot=_HONEYPOT_URL, early=early)
    html = _replace_tracking_tags(html, placeholder)
    html = _FIELD_LINK.sub(lambda left: link(0, decode(left.group())), html)
    html_pieces = _with_postal_address(_split(restore_code(html, code, field), pieces))

    protected, text_code = protect_code(text, _FIELD)
    lines = rewrite_text(
        protected,
        link=lambda number, url: placeholder(Link(number=number, destination=_destination(url, text_code))),
        first=len(rewritten.urls) + 1,
        field=("text",),
    )
    text_pieces = _with_footer(
        _split(restore_code(lines.html, text_code, field), pieces),
        unsubscribe=names_field(clickable_pieces(html_pieces), "unsubscribe_url"),
    )
    return _parts(subject, html_pieces, text_pieces, len(rewritten.urls))


def _destination(url: str, code: list[str]) -> tuple[str | Field, ...]:
    """A link's address, its placeholders replaced by their fields."""
    pieces: list[str | Field] = []
    at = 0
    url = _FIELD_URL.sub(r"\1", url)
    for match in CODE_PLACEHOLDER.finditer(url):
        pieces += [url[at : match.start()], _read_field(code[int(match.group(1))])]
        at = match.end()
    return tuple(piece for piece in [*pieces, url[at:]] if piece != "")


def _replace_tracking_tags(html: str, placeholder: Callable[[Piece], str]) -> str:
    """Pixel and honeypot as one piece each, markup and all: an untracked mail leaves them out whole."""
    for kind, url, element in (("honeypot", _HONEYPOT_URL, "a"), ("pixel", _PIXEL_URL, "img")):
        found = re.search(rf'(<{element} (?:src|href)="){re.escape(url)}("[^>]*>(?:</a>)?)', html)
        if found is None:
            raise ValueError(f"the {kind} is not in the page")
        piece = TrackingTag(kind=kind, before=found.group(1), after=found.group(2))
        html = html[: found.start()] + placeholder(piece) + html[found.end() :]
    return html


def _split(text: str, pieces: list[Piece]) -> tuple[Piece, ...]:
    """A text with placeholders as pieces; it ends a line."""
    split: list[Piece] = []
    at = 0
    for match in PIECE_PLACEHOLDER.finditer(text):
        split += [text[at : match.start()], pieces[int(match.group(1))]]
        at = match.end()
    split.append(text[at:] if text[at:].endswith("\n") else text[at:] + "\n")
    return tuple(piece for piece in split if piece != "")


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
