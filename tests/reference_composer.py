"""Campaign mail the long way: filled in, encoded whole and put together as MIME entities.

`compose_campaign`, which copies precompiled pieces, is compared with it: for proof, not speed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from gateway.compose.headers import (
    MIME_VERSION,
    Composed,
    Facts,
    address_headers,
    boundary,
    campaign_headers,
    complaint_id,
    date_headers,
    reply_to_header,
    tracked_replies,
)
from gateway.compose.sender_profiles import SenderVersion
from gateway.compose.tracked_links import TrackedLinks
from gateway.mail import mime
from gateway.mail.header import raw_header, text_header
from gateway.mail.keys import Keyring
from gateway.mail.message import MessageRef
from gateway.mail.mime import Entity
from gateway.mail.quoted_printable import encode_piece
from gateway.mail.signed_headers import signed_headers
from gateway.templates.merge_fields import Field, Piece, TrackingTag, fill_destination, fill_subject, value_of
from gateway.templates.versions import CompiledTemplate


def compose_reference(
    *,
    template: CompiledTemplate,
    sender: SenderVersion,
    facts: Facts,
    merge_data: Mapping[str, str],
    keyring: Keyring,
    to_be_signed: bool = False,
) -> Composed:
    """The mail that `compose_campaign` must give for the same arguments, byte for byte."""
    assert template.merge is not None
    urls = TrackedLinks(facts, keyring)
    values = {
        **merge_data,
        "unsubscribe_url": urls.unsubscribe(),
        "postal_address": ", ".join((sender.postal_address or "").splitlines()),
        "customer_name": facts.customer_name or "",
    }
    subject = fill_subject(template.merge.subject, values)
    tracked = urls if facts.tracked else None
    text = [part for piece in template.merge.text for part in _texts(piece, values, tracked, facts.ref, html=False)]
    html = [part for piece in template.merge.html for part in _texts(piece, values, tracked, facts.ref, html=True)]
    body = mime.multipart(
        "alternative",
        boundary(facts, "a"),
        [_entity(mime.TEXT_HEADERS, text), _entity(mime.HTML_HEADERS, html)],
    )
    replies = tracked_replies(sender, facts, keyring)
    head = address_headers(sender, facts) + text_header("Subject", subject) + date_headers(facts)
    head += reply_to_header(sender, replies(facts.ref) if replies else None) + MIME_VERSION
    head += raw_header("List-Unsubscribe", f"<{values['unsubscribe_url']}>")
    head += campaign_headers(facts, template)
    if facts.complaint_address is not None:
        head += raw_header("CFBL-Feedback-ID", complaint_id(values["unsubscribe_url"]))
    content = b"".join(body.chunks(head))
    signed = signed_headers(content[: content.index(b"\r\n\r\n") + 2]) if to_be_signed else None
    return Composed(subject=subject, content=content, signed_headers=signed)


def encode_pieces(pieces: Iterable[str]) -> str:
    """A body of several pieces in quoted-printable."""
    return "".join(map(encode_piece, pieces))


def _entity(headers: str, pieces: Iterable[str]) -> Entity:
    return Entity(headers=headers.removesuffix("\r\n"), body=encode_pieces(pieces).encode("ascii"))


def _texts(
    piece: Piece, values: Mapping[str, str], urls: TrackedLinks | None, ref: MessageRef, *, html: bool
) -> tuple[str, ...]:
    """A piece as the texts that are encoded one by one. Without `urls` nothing is tracked."""
    if isinstance(piece, str):
        return (piece,)
    if isinstance(piece, TrackingTag):
        if urls is None or (url := urls.of(piece)) is None:
            return ()
        return piece.before, url(ref), piece.after
    if isinstance(piece, Field):
        text = value_of(piece, values)
    else:
        text = fill_destination(piece, values)
        if urls is not None and piece.number > 0:
            text = urls.click(piece.number, text)
    return (escape(text) if html else text,)
