"""Campaign mail, composed the fast way: what is the same for all recipients was encoded when the template was
published, and a recipient costs the values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
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

# Campaign mail ---------------------------------------------------------------------------------------------------


def render_subject(
    template: CompiledTemplate, merge_data: Mapping[str, str], *, customer_name: str | None = None
) -> str:
    """A campaign mail's subject, for its row in the ledger: the same that composing gives.

    Old versions may hold what publishing refuses now and the row cannot know: it shows nothing, or the default.
    """
    values = {**merge_data, **dict.fromkeys(NOT_IN_SUBJECT, ""), "customer_name": customer_name or ""}
    return fill_subject(_parts(template).subject, values)


def compose_campaign(
    *,
    template: CompiledTemplate,
    sender: SenderVersion,
    facts: Facts,
    merge_data: Mapping[str, str],
    keyring: Keyring,
) -> Composed:
    """One recipient's mail of a campaign, of the pieces that publishing encoded.

    Raises Refusal(MERGE_FIELD_MISSING).
    """
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
    for place, number, destination, untouched in precompiled.links:
        pieces[place] = encode_piece(tracked.click(number, destination)) if tracked else untouched
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
            pieces[place] = encode_piece(_shown(piece, values, tracked, html=html))
    for place, start in precompiled.boundaries:
        pieces[place] = start % separator
    return Composed(subject=subject, content="".join(pieces).encode())


_coded = lru_cache(maxsize=64)(encode_piece)


@lru_cache(maxsize=64)
def _subject_header(subject: str) -> str:
    """Most campaigns have one subject for everybody."""
    return text_header("Subject", subject)


@dataclass(frozen=True, kw_only=True, slots=True)
class PrecompiledMail:
    """What is the same for all recipients of a campaign, ready to be copied and filled in.

    `pieces` is the mail with gaps, the first of them for the head. `links` lead everybody to one page: where,
    number, destination, how it looks untracked. `fields` are the values put in, each with its places and whether they
    are in HTML. `gaps` are for links that differ, and marks: where, what, whether in HTML.
    `boundaries` are the lines between parts. It keeps template and sender, by whose identity it is found.
    """

    template: CompiledTemplate
    made_for: SenderVersion
    sender: str
    identity: str
    campaign: str
    postal_address: str
    subject: tuple[Piece, ...]
    pieces: list[str]
    links: tuple[tuple[int, int, str, str], ...]
    fields: tuple[tuple[Field, tuple[tuple[int, bool], ...]], ...]
    gaps: tuple[tuple[int, Link | TrackingTag, bool], ...]
    boundaries: tuple[tuple[int, str], ...]


_PRECOMPILED = LruCache[tuple[int, int, UUID | None], PrecompiledMail](64)


def _precompiled(template: CompiledTemplate, sender: SenderVersion, campaign_id: UUID | None) -> PrecompiledMail:
    key = (id(template), id(sender), campaign_id)
    return _PRECOMPILED.get(key) or _PRECOMPILED.put(key, _precompile(template, sender, campaign_id))


def _precompile(template: CompiledTemplate, sender: SenderVersion, campaign_id: UUID | None) -> PrecompiledMail:
    parts = _parts(template)
    text, html = list(parts.coded_text), list(parts.coded_html)
    html_start = 2 + len(text) + 1
    gaps = [(2 + place, piece, False) for place, piece in enumerate(parts.text) if not isinstance(piece, str)]
    gaps += [(html_start + place, piece, True) for place, piece in enumerate(parts.html) if not isinstance(piece, str)]
    return PrecompiledMail(
        template=template,
        made_for=sender,
        sender=mailboxes_header("From", [(sender.from_name, sender.from_address)]),
        identity=reply_headers(sender),
        campaign=campaign_headers(campaign_id, template),
        postal_address=_one_line(sender.postal_address),
        subject=parts.subject,
        pieces=["", "", *text, "", *html, ""],
        links=tuple(_fixed_links(gaps)),
        fields=_fields(gaps),
        gaps=tuple(
            (place, piece, html) for place, piece, html in gaps if not isinstance(piece, Field) and not _is_fixed(piece)
        ),
        boundaries=(
            (1, f"--%s\r\n{mime.TEXT_HEADERS}"),
            (html_start - 1, f"--%s\r\n{mime.HTML_HEADERS}"),
            (html_start + len(html), "--%s--\r\n"),
        ),
    )


def _fields(
    gaps: list[tuple[int, Field | Link | TrackingTag, bool]],
) -> tuple[tuple[Field, tuple[tuple[int, bool], ...]], ...]:
    places: dict[Field, list[tuple[int, bool]]] = {}
    for place, piece, html in gaps:
        if isinstance(piece, Field):
            places.setdefault(piece, []).append((place, html))
    return tuple((field, tuple(found)) for field, found in places.items())


def _fixed_links(gaps: list[tuple[int, Field | Link | TrackingTag, bool]]) -> Iterator[tuple[int, int, str, str]]:
    for place, piece, html in gaps:
        if isinstance(piece, Link) and _is_fixed(piece):
            destination = "".join(map(str, piece.destination))
            yield place, piece.number, destination, encode_piece(escape(destination) if html else destination)


def _is_fixed(piece: Piece) -> bool:
    """Whether a link counts clicks and leads everybody to the same page."""
    if not isinstance(piece, Link) or piece.number == 0 or len(piece.destination) != 1:
        return False
    destination = piece.destination[0]
    return isinstance(destination, str) and trackable(destination)


def _parts(template: CompiledTemplate) -> MergeParts:
    if template.merge is None:
        raise ValueError(f"{template.name} is no campaign's template")
    return template.merge


def _one_line(postal_address: str | None) -> str:
    return ", ".join((postal_address or "").splitlines())


def _shown(piece: Field | Link, values: Mapping[str, str], urls: TrackedLinks | None, *, html: bool) -> str:
    """What stands in the mail for a value. Without `urls` nothing is tracked."""
    if isinstance(piece, Field):
        shown = value_of(piece, values)
    else:
        shown = fill_destination(piece, values)
        if urls is not None and piece.number > 0:
            shown = urls.click(piece.number, shown)
    return escape(shown) if html and _SPECIAL.search(shown) else shown


_SPECIAL = re.compile("[&<>\"']")
