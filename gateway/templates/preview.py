"""A template filled in with sample data: what it looks like, with nobody's name in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from gateway.templates.merge_fields import (
    Link,
    MergeParts,
    Piece,
    TrackingTag,
    fill_destination,
    fill_subject,
    value_of,
)

_SUPPLIED_SAMPLES = {
    "unsubscribe_url": "#unsubscribe",
    "postal_address": "1 Sample Street, Sampletown",
    "customer_name": "Alex Sample",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """The three parts of a mail made with sample data."""

    subject: str
    html: str
    text: str


def render_preview(parts: MergeParts, sample: Mapping[str, str]) -> Preview:
    """A campaign template filled in; a field without sample data and without default shows its name."""
    values = {name: f"[{name}]" for name in parts.required} | _SUPPLIED_SAMPLES | dict(sample)
    return Preview(
        subject=fill_subject(parts.subject, values),
        html="".join(_rendered(piece, values, html=True) for piece in parts.html),
        text="".join(_rendered(piece, values, html=False) for piece in parts.text),
    )


def _rendered(piece: Piece, values: Mapping[str, str], *, html: bool) -> str:
    if isinstance(piece, str):
        return piece
    if isinstance(piece, TrackingTag):
        return ""
    text = fill_destination(piece, values) if isinstance(piece, Link) else value_of(piece, values)
    return escape(text) if html else text
