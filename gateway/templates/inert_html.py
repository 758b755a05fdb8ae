"""A mail's HTML to look at: nothing in it runs, loads, sends or leads anywhere.

The page is written anew from what the parser says it is: only elements and attributes that lay out text and pictures,
and only pictures that the page holds itself. What a browser would fetch is left out, and so is what CSS would fetch. It
is served under a policy that forbids all of it once more (`service.http.content`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape

from gateway.templates.html_links import VOID_ELEMENTS, Tag, parsed_page

Pictures = Mapping[str, str]
"""Pictures of the mail as `data:` addresses, by their Content-ID without its brackets."""

_KEPT = frozenset(
    {"a", "abbr", "address", "article", "aside", "b", "bdi", "bdo", "big", "blockquote", "body", "br", "caption"}
    | {"center", "cite", "code", "col", "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "figcaption", "figure"}
    | {"font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "i", "img", "ins", "kbd"}
    | {"li", "main", "mark", "menu", "meta", "nav", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "section"}
    | {"small", "span", "strike", "strong", "style", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead"}
    | {"time", "tr", "tt", "u", "ul", "var", "wbr"}
)
_DROPPED = frozenset(
    {"applet", "audio", "base", "canvas", "datalist", "embed", "frame", "frameset", "iframe", "input", "link", "math"}
    | {"noembed", "noframes", "object", "option", "script", "select", "source", "svg", "template", "textarea", "title"}
    | {"track", "video"}
)
"""Elements that go with all that is in them. Any other goes alone: what is in it stays."""
_ATTRIBUTES = frozenset(
    {"align", "alt", "bgcolor", "border", "cellpadding", "cellspacing", "class", "clear", "color", "colspan", "compact"}
    | {"datetime", "dir", "face", "height", "hidden", "hspace", "id", "lang", "nowrap", "reversed", "role", "rowspan"}
    | {"size", "span", "start", "style", "title", "type", "valign", "value", "vspace", "width"}
)
_METAS = frozenset({"color-scheme", "supported-color-schemes", "viewport"})
_PICTURE = re.compile(r"data:image/(?:png|gif|jpe?g|webp|avif|bmp)[;,]", re.IGNORECASE)
_SHOWN_SCHEMES = re.compile(r"(?:https?|mailto|tel):", re.IGNORECASE)
_LONGEST_TITLE = 500

# Weaker than any rule of the author's: links that look like links, pictures that are not there with their words.
_STYLE = (
    ":where(a){color:LinkText;text-decoration:underline}"
    ":where(img:not([src])){outline:1px dashed #8a8f98;outline-offset:-1px;font-size:.8rem}"
)


def inert_page(html: str, pictures: Pictures) -> str:
    """The page, with the mail's own pictures where its author put them. For HTML of limited length that is not
    `html_links.too_complex`."""
    standard = "<!doctype html>" if "<!doctype" in html[:1000].lower() else ""
    return standard + "".join(_written(html, pictures))


def _written(html: str, pictures: Pictures) -> Iterator[str]:
    dropped = 0
    styled = False
    for piece in parsed_page(html):
        if not isinstance(piece, Tag):
            if not dropped:
                yield inert_css(piece, pictures).replace("</", "<\\/") if styled else escape(piece, quote=False)
        elif dropped or piece.name in _DROPPED:
            dropped += -1 if piece.ends else 1
        elif piece.name == "style":
            styled = not piece.ends
            yield "</style>" if piece.ends else "<style>"
        elif piece.name in _KEPT:
            yield _tag(piece, pictures)


def _tag(tag: Tag, pictures: Pictures) -> str:
    if tag.ends:
        return "" if tag.name in VOID_ELEMENTS else f"</{tag.name}>"
    if tag.name == "meta":
        return _meta(tag)
    kept = {name: value or "" for name, value in tag.attributes.items() if name in _ATTRIBUTES}
    if "style" in kept:
        kept["style"] = inert_css(kept["style"], pictures)
    if tag.name == "img":
        source = _picture((tag.attributes.get("src") or "").strip(), pictures)
        kept |= {"src": source} if source else {}
    if tag.name == "a":
        leads_to = (tag.attributes.get("href") or "").strip()
        if _SHOWN_SCHEMES.match(leads_to):
            kept.setdefault("title", leads_to[:_LONGEST_TITLE])
    written = "".join(f' {name}="{escape(value)}"' for name, value in kept.items())
    head = f'<meta charset="utf-8"><meta name="robots" content="noindex"><style>{_STYLE}</style>'
    return f"<{tag.name}{written}>{head if tag.name == 'head' else ''}"


def _meta(tag: Tag) -> str:
    name, content = (tag.attributes.get("name") or "").lower(), tag.attributes.get("content") or ""
    return f'<meta name="{name}" content="{escape(content)}">' if name in _METAS else ""


def _picture(source: str, pictures: Pictures) -> str | None:
    if source[:4].lower() == "cid:":
        return pictures.get(source[4:].strip())
    return source if _PICTURE.match(source) else None


# CSS -------------------------------------------------------------------------------------------------------------

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_IMPORT = re.compile(r"@(?:import|namespace|charset)\b[^;{}]*;?", re.IGNORECASE)
_URL = re.compile(r"""url\(\s*(?:"([^"]*)"?|'([^']*)'?|([^)"']*))\s*\)?""", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n\r\f]?|(.))", re.DOTALL)
_FETCHES = re.compile(
    r"@import|@namespace|(?:image-set|\bimage|\bsrc|cross-fade|\belement|expression)\s*\(|behavior\s*:|-moz-binding"
    r"|url\s*\((?!\s*[\"']?(?:data:image/(?:png|gif|jpe?g|webp|avif|bmp)[;,]|\)))",
    re.IGNORECASE,
)


def inert_css(css: str, pictures: Pictures) -> str:
    """A style sheet, or the style of one element, that fetches nothing: addresses are taken out, and where escapes hide
    what would fetch something, nothing is left."""
    plain = _IMPORT.sub("", _COMMENT.sub("", css))
    plain = _URL.sub(lambda found: _url(found, pictures), plain)
    return "" if _FETCHES.search(_ESCAPE.sub(_unescaped, plain)) else plain


def _url(found: re.Match[str], pictures: Pictures) -> str:
    source = _picture((found[1] or found[2] or found[3] or "").strip(), pictures)
    return f"url('{source}')" if source and not set(source) & set("'\\\n)") else "url()"


def _unescaped(found: re.Match[str]) -> str:
    if found[1] is None:
        return found[2] or ""
    code = int(found[1], 16)
    return chr(code) if 0 < code <= 0x10FFFF else "\ufffd"
