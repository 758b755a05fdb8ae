"""Compiled campaign templates as the ledger keeps them: JSON, fixed text as it goes over the wire."""

from __future__ import annotations

import quopri
from collections.abc import Mapping
from typing import Any

from gateway.templates.merge_fields import Field, Link, MergeParts, Piece, TrackingTag

_TAG = "mark"
"""The kind of a tracking tag in JSON. Stored versions never change, so neither does this word."""


def dump_parts(parts: MergeParts) -> dict[str, Any]:
    """Returns what `read_parts` makes the same parts of, together with their `fields`, which have a column."""
    return {
        "subject": [_dump_piece(piece) for piece in parts.subject],
        "html": [_dump_piece(piece, coded) for piece, coded in zip(parts.html, parts.coded_html, strict=True)],
        "text": [_dump_piece(piece, coded) for piece, coded in zip(parts.text, parts.coded_text, strict=True)],
        "required": list(parts.required),
        "links": parts.links,
    }


def _dump_piece(piece: Piece, coded: str | None = None) -> list[Any]:
    match piece:
        case Field():
            return ["field", piece.name, piece.default]
        case Link():
            return ["link", piece.number, [_dump_piece(part) for part in piece.destination]]
        case TrackingTag():
            return [_TAG, piece.kind, piece.before, piece.after]
        case _:
            return ["text", piece if coded is None else coded]


def read_parts(compiled: Mapping[str, Any], fields: tuple[str, ...]) -> MergeParts:
    """Returns the parts that `dump_parts` wrote. Raises ValueError for a piece of a kind unknown here."""
    return MergeParts(
        subject=tuple(_read_piece(item, encoded=False) for item in compiled["subject"]),
        html=tuple(_read_piece(item, encoded=True) for item in compiled["html"]),
        text=tuple(_read_piece(item, encoded=True) for item in compiled["text"]),
        coded_html=tuple(_coded(item) for item in compiled["html"]),
        coded_text=tuple(_coded(item) for item in compiled["text"]),
        fields=fields,
        required=tuple(compiled["required"]),
        links=compiled["links"],
    )


def _coded(item: list[Any]) -> str:
    return item[1] if item[0] == "text" else ""


def _read_piece(item: list[Any], *, encoded: bool) -> Piece:
    match item:
        case ["text", text]:
            return quopri.decodestring(text.encode("ascii")).decode() if encoded else text
        case ["field", name, default]:
            return Field(name=name, default=default)
        case ["link", number, destination]:
            parts = [_read_piece(part, encoded=False) for part in destination]
            return Link(number=number, destination=tuple(part for part in parts if isinstance(part, str | Field)))
        case [kind, of, before, after] if kind == _TAG:
            return TrackingTag(kind=of, before=before, after=after)
    raise ValueError(f"a template piece of a kind unknown here: {item[0]!r}")
