"""Which parts of a received mail are its text, and which came with it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.mail.received import MAIL_TYPES, Part

_TEXTS = ("text/plain", "text/html")


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """One text of a mail, in the forms in which it came (RFC 2046 5.1.4). Some clients send several, pictures between
    them."""

    plain: Part | None = None
    html: Part | None = None


def bodies(root: Part) -> tuple[Body, ...]:
    """The texts that a mail shows when it is opened, in order. What is attached or has a file name is none."""
    return tuple(_bodies(root))


def _bodies(part: Part) -> Iterator[Body]:
    if part.media_type == "multipart/alternative":
        yield from _alternatives(part)
    elif part.media_type.startswith("multipart/"):
        for child in part.parts:
            yield from _bodies(child)
        if not part.parts and part.body:
            yield Body(plain=part)  # a multipart without parts: what it holds is better than nothing
    elif _is_text(part):
        yield Body(html=part) if part.media_type == "text/html" else Body(plain=part)


def _alternatives(part: Part) -> Iterator[Body]:
    """One text in several forms; where a form is a multipart of its own, its first text of that form."""
    found = [body for child in part.parts for body in _bodies(child)]
    plain = next((body.plain for body in found if body.plain), None)
    html = next((body.html for body in found if body.html), None)
    if plain or html:
        yield Body(plain=plain, html=html)
    yield from (body for body in found if body.plain is not plain and body.html is not html)


def _is_text(part: Part) -> bool:
    return part.media_type in _TEXTS and not part.attached and part.file_name is None


def parts_beside(root: Part) -> Iterator[tuple[int, Part, bool]]:
    """Yields what came with the texts: its number among all parts of the mail, the part, and whether it is within a
    multipart/related, whose HTML shows it. A mail within the mail is one part."""
    shown = {id(part) for body in bodies(root) for part in (body.plain, body.html)}
    related = {
        id(child)
        for part in root.walk(into_mails=False)
        if part.media_type == "multipart/related"
        for child in part.parts
    }
    for number, part in enumerate(root.walk(into_mails=False)):
        if id(part) not in shown and _came_along(part):
            yield number, part, id(part) in related


def _came_along(part: Part) -> bool:
    """Whether a part that is no text is worth showing: empty ones without a name are only the mail's structure."""
    if part.media_type.startswith("multipart/"):
        return False
    named = part.media_type in MAIL_TYPES or part.file_name is not None or part.attached
    return named or bool(part.body.strip())
