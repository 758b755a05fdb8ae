"""Campaign mail.

What is the same for all recipients is encoded and joined once a campaign, with gaps; a recipient costs what fills them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import NamedTuple
from uuid import UUID

from gateway.compose.headers import (
    Composed,
    Facts,
    boundary,
    campaign_headers,
    copies_header,
    date_headers,
    reply_headers,
)
from gateway.compose.sender_profiles import SenderVersion
from gateway.compose.tracked_links import TrackedLinks
from gateway.lru import LruCache
from gateway.mail import mime
from gateway.mail.header import mailboxes_header, text_header
from gateway.mail.keys import Keyring
from gateway.mail.quoted_printable import encode_piece
from gateway.mail.tracking import trackable
from gateway.templates.merge_fields import (
    NOT_IN_SUBJECT,
    Field,
    Link,
    MergeParts,
    Piece,
    TrackingTag,
    fill_destination,
    fill_subject,
    value_of,
)
from gateway.templates.versions import CompiledTemplate

_SPECIAL = re.compile("[&<>\"']")


def render_subject(template: CompiledTemplate, merge_data: Mapping[str, str], *, customer_name: str | None) -> str:
    """A campaign mail's subject, for its row in the ledger: the same that composing gives.

    Old versions may have fields in it that publishing refuses now and that are unknown here: they show nothing, or
    their default.
    """
    values = {**merge_data, **dict.fromkeys(NOT_IN_SUBJECT, ""), "customer_name": customer_name or ""}
    return fill_subject(_merge_parts(template).subject, values)


def compose_campaign(
    *,
    template: CompiledTemplate,
    sender: SenderVersion,
    facts: Facts,
    merge_data: Mapping[str, str],
    keyring: Keyring,
) -> Composed:
    """One recipient's mail of a campaign. Raises Refusal(MERGE_FIELD_MISSING)."""
    precompiled = _precompiled(template, sender, facts.campaign_id)
    urls = TrackedLinks(facts, keyring)
    unsubscribe = urls.unsubscribe()
    values = {
        **merge_data,
        "unsubscribe_url": unsubscribe,
        "postal_address": precompiled.postal_address,
        "customer_name": facts.customer_name or "",
    }
    subject = fill_subject(precompiled.subject, values)
    separator = boundary(facts, "a")
    pieces = precompiled.pieces.copy()
    pieces[0] = (
        f"{precompiled.sender}{mailboxes_header('To', [(facts.to.name, facts.to.address)])}{copies_header(facts)}"
        f"{_subject_header(subject)}{date_headers(facts)}{precompiled.identity}List-Unsubscribe: <{unsubscribe}>\r\n"
        f'{precompiled.campaign}Content-Type: multipart/alternative; boundary="{separator}"\r\n\r\n'
    )
    tracked = urls if facts.tracked else None
    for place, number, destination, untracked in precompiled.links:
        pieces[place] = encode_piece(tracked.click(number, destination)) if tracked else untracked
    for field, places in precompiled.fields:
        value = value_of(field, values)
        coded = encode_piece(value)
        coded_html = encode_piece(escape(value)) if _SPECIAL.search(value) else coded
        for place, html in places:
            pieces[place] = coded_html if html else coded
    for place, piece, html in precompiled.gaps:
        if isinstance(piece, TrackingTag):
            url = tracked and tracked.of(piece)
            if url:
                pieces[place] = f"{_coded(piece.before)}{encode_piece(url)}{_coded(piece.after)}"
        else:
            pieces[place] = encode_piece(_rendered(piece, values, tracked, html=html))
    for place, start in precompiled.boundaries:
        pieces[place] = start % separator
    return Composed(subject=subject, content="".join(pieces).encode())


_coded = lru_cache(maxsize=64)(encode_piece)
"""For a page's tags, the same in every mail."""


@lru_cache(maxsize=64)
def _subject_header(subject: str) -> str:
    """Most campaigns have one subject for everybody."""
    return text_header("Subject", subject)


def _rendered(piece: Field | Link, values: Mapping[str, str], urls: TrackedLinks | None, *, html: bool) -> str:
    """A value or an address as it stands in the mail. Without `urls` nothing is tracked."""
    if isinstance(piece, Field):
        text = value_of(piece, values)
    else:
        text = fill_destination(piece, values)
        if urls is not None and piece.number > 0:
            text = urls.click(piece.number, text)
    return escape(text) if html and _SPECIAL.search(text) else text


# What is the same for all recipients -----------------------------------------------------------------------------


class FixedLink(NamedTuple):
    """A link that leads everybody to the same page: its place, and how it looks in an untracked mail."""

    place: int
    number: int
    destination: str
    untracked: str


class FieldPlaces(NamedTuple):
    """A field and where its value is put in: places, each with whether it is in HTML."""

    field: Field
    places: tuple[tuple[int, bool], ...]


class Gap(NamedTuple):
    """Anything else that is put in, its place and whether it is in HTML."""

    place: int
    piece: Field | Link | TrackingTag
    html: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PrecompiledMail:
    """A campaign's mail, ready to be copied and filled in.

    `pieces` is the mail with gaps, the first of them for the head; `boundaries` are the lines between its parts.
    `template` and `made_for` are kept because the cache knows them by identity.
    """

    template: CompiledTemplate
    made_for: SenderVersion
    sender: str
    identity: str
    campaign: str
    postal_address: str
    subject: tuple[Piece, ...]
    pieces: list[str]
    links: tuple[FixedLink, ...]
    fields: tuple[FieldPlaces, ...]
    gaps: tuple[Gap, ...]
    boundaries: tuple[tuple[int, str], ...]


_PRECOMPILED = LruCache[tuple[int, int, UUID | None], PrecompiledMail](64)


def _precompiled(template: CompiledTemplate, sender: SenderVersion, campaign_id: UUID | None) -> PrecompiledMail:
    key = (id(template), id(sender), campaign_id)
    return _PRECOMPILED.get(key) or _PRECOMPILED.put(key, _precompile(template, sender, campaign_id))


def _precompile(template: CompiledTemplate, sender: SenderVersion, campaign_id: UUID | None) -> PrecompiledMail:
    parts = _merge_parts(template)
    text, html = list(parts.coded_text), list(parts.coded_html)
    html_start = 2 + len(text) + 1
    gaps = [*_gaps(parts.text, start=2, html=False), *_gaps(parts.html, start=html_start, html=True)]
    return PrecompiledMail(
        template=template,
        made_for=sender,
        sender=mailboxes_header("From", [(sender.from_name, sender.from_address)]),
        identity=reply_headers(sender),
        campaign=campaign_headers(campaign_id, template),
        postal_address=", ".join((sender.postal_address or "").splitlines()),
        subject=parts.subject,
        pieces=["", "", *text, "", *html, ""],
        links=tuple(_fixed_links(gaps)),
        fields=_fields(gaps),
        gaps=tuple(gap for gap in gaps if not isinstance(gap.piece, Field) and not _is_fixed(gap.piece)),
        boundaries=(
            (1, f"--%s\r\n{mime.TEXT_HEADERS}"),
            (html_start - 1, f"--%s\r\n{mime.HTML_HEADERS}"),
            (html_start + len(html), "--%s--\r\n"),
        ),
    )


def _merge_parts(template: CompiledTemplate) -> MergeParts:
    if template.merge is None:
        raise ValueError(f"{template.name} is no campaign's template")
    return template.merge


def _gaps(pieces: tuple[Piece, ...], *, start: int, html: bool) -> Iterator[Gap]:
    for place, piece in enumerate(pieces, start):
        if not isinstance(piece, str):
            yield Gap(place, piece, html)


def _fields(gaps: list[Gap]) -> tuple[FieldPlaces, ...]:
    places: dict[Field, list[tuple[int, bool]]] = {}
    for place, piece, html in gaps:
        if isinstance(piece, Field):
            places.setdefault(piece, []).append((place, html))
    return tuple(FieldPlaces(field, tuple(found)) for field, found in places.items())


def _fixed_links(gaps: list[Gap]) -> Iterator[FixedLink]:
    for place, piece, html in gaps:
        if isinstance(piece, Link) and _is_fixed(piece):
            destination = "".join(map(str, piece.destination))
            untracked = encode_piece(escape(destination) if html else destination)
            yield FixedLink(place, piece.number, destination, untracked)


def _is_fixed(piece: Piece) -> bool:
    """Whether a link counts clicks and leads everybody to the same page."""
    if not isinstance(piece, Link) or piece.number == 0 or len(piece.destination) != 1:
        return False
    destination = piece.destination[0]
    return isinstance(destination, str) and trackable(destination)
