"""Templates: published once into immutable versions, ready to be filled in; previews with sample data.

Campaign templates are what users write (`merge_fields`); built-in ones come with us (`builtin`).
"""

from __future__ import annotations

import hashlib
import quopri
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any
from uuid import UUID

import orjson

from gateway.database import QUERIES, Connection, ConnectionOrPool
from gateway.errors import Refusal, RefusalCode
from gateway.lru import LruCache
from gateway.mail.card_number import refuse_card_number, refuse_card_number_in_url
from gateway.mail.header_guard import refuse_header_break
from gateway.mail.letter import Letter
from gateway.mail.merge_data import read_merge_data
from gateway.mail.source import SourceType
from gateway.templates import builtin
from gateway.templates.builtin import LetterParts
from gateway.templates.card_numbers import refuse_long_field_runs
from gateway.templates.html_links import unlinked
from gateway.templates.html_to_text import every_word_of_html, text_of_html
from gateway.templates.localization import check_locale, fallbacks
from gateway.templates.merge_fields import (
    Field,
    Link,
    MergeParts,
    Piece,
    TrackingTag,
    compile_parts,
    fields_of,
    fill_destination,
    fill_subject,
    value_of,
)

PUBLISHING = 3
"""Rises when the same source would be compiled to another page: published again, it is a new version then."""

SUPPLIED_SAMPLES = {
    "unsubscribe_url": "#unsubscribe",
    "postal_address": "1 Sample Street, Sampletown",
    "customer_name": "Alex Sample",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """A template with sample data: what it looks like, with nobody's name in it."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedTemplate:
    """What publishing made. `fields` are the merge fields it names."""

    template_id: UUID
    version_id: UUID
    number: int
    fields: tuple[str, ...]
    has_unsubscribe: bool
    preview: Preview


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledTemplate:
    """One version, ready to be filled in. Exactly one of `merge` (campaigns) and `letter` (built-in) is there.

    `fields` are the merge fields it names; `required` those that every recipient must be given.
    """

    id: UUID
    template_id: UUID
    name: str
    source_type: SourceType
    locale: str
    fields: tuple[str, ...]
    required: tuple[str, ...]
    merge: MergeParts | None = None
    letter: LetterParts | None = None


_URL = re.compile(r"https?:[^\s<>]+", re.IGNORECASE)
_LOADED = LruCache[UUID, CompiledTemplate](128)


# Publishing ------------------------------------------------------------------------------------------------------


async def publish(
    connection: Connection,
    *,
    name: str,
    subject: str,
    mjml: str | None,
    html: str | None,
    text: str | None,
    sample_data: Mapping[str, Any] | None,
    locale: str = "en",
) -> PublishedTemplate:
    """A campaign template's next version; the version in use when nothing differs.

    Exactly one of `mjml` and `html`; without `text` it is derived from the page. Where its author left out the sender's
    postal address it is put at the end, as is the unsubscribe address in the text. Raises Refusal: TEMPLATE_INVALID,
    REQUIRED, INVALID, TOO_LONG, TOO_MANY, CARD_NUMBER, HEADER_INJECTION.
    """
    _check_publish(name, subject, mjml, html, locale)
    sample = read_merge_data(sample_data, ("sampleData",))
    source = {"subject": subject, "mjml": mjml, "html": html, "text": text, "sample_data": sample, "locale": locale}
    parts = compile_parts(subject=subject, mjml=mjml, html=html, text=text, derive_text=text_of_html)
    preview = preview_of(parts, sample)
    page = ("html",) if mjml is None else ("mjml",)
    refuse_long_field_runs(parts, page)
    _refuse_card_numbers(parts, preview, page=page)
    _refuse_card_number_in_words(every_word_of_html(mjml or html or ""), page)
    row = {
        "locale": locale,
        "subject": subject.strip(),
        "source": source,
        "compiled": _dump(parts),
        "fields": list(parts.fields),
        "links": parts.links,
        "has_unsubscribe": parts.has_unsubscribe,
        "preview_subject": preview.subject,
        "preview_html": preview.html,
        "preview_text": preview.text,
        "source_sha256": _hash(source | {"publishing": PUBLISHING}),
    }
    template_id, version_id, number = await _insert(connection, name.strip(), SourceType.CAMPAIGN, row)
    return PublishedTemplate(
        template_id=template_id,
        version_id=version_id,
        number=number,
        fields=parts.fields,
        has_unsubscribe=parts.has_unsubscribe,
        preview=preview,
    )


def _check_publish(name: str, subject: str, mjml: str | None, html: str | None, locale: str) -> None:
    for value, path, longest in ((name, ("name",), 255), (subject, ("subject",), 998)):
        refuse_header_break(value, path)
        if not value.strip():
            raise Refusal(RefusalCode.REQUIRED, "This must not be empty.", path)
        if len(value) > longest:
            raise Refusal(RefusalCode.TOO_LONG, f"At most {longest} characters.", path)
    refuse_card_number(name, ("name",))
    if name.strip().startswith(builtin.PREFIX):
        raise Refusal(RefusalCode.CONFLICT, f"Names that start with {builtin.PREFIX!r} are ours.", ("name",))
    if (mjml is None) == (html is None):
        raise Refusal(RefusalCode.REQUIRED, "Give one of mjml and html.", ("mjml",))
    if not (mjml or html or "").strip():
        raise Refusal(RefusalCode.REQUIRED, "This must not be empty.", ("mjml",) if html is None else ("html",))
    check_locale(locale, ("locale",))


def _refuse_card_numbers(parts: MergeParts, preview: Preview, *, page: tuple[str, ...]) -> None:
    """Refuse one in what a mail says, with sample data or with defaults; markup holds digits of other uses."""
    defaults = {name: "" for name in parts.fields if name not in parts.required}
    for seen in (preview, preview_of(parts, defaults)):
        _refuse_card_number_in_words(seen.subject, ("subject",))
        _refuse_card_number_in_words(text_of_html(seen.html), page)
        _refuse_card_number_in_words(every_word_of_html(seen.html), page)
        _refuse_card_number_in_words(seen.text, ("text",))


def _refuse_card_number_in_words(words: str, field: tuple[str, ...]) -> None:
    """Addresses of links are full of digits: of these only whole words count."""
    for url in _URL.findall(words):
        refuse_card_number_in_url(url, field)
    refuse_card_number(_URL.sub(" \n", words), field)


async def publish_builtins(connection: Connection) -> None:
    """Write the built-in templates whose source changed, one new version each. Safe when several processes start."""
    sources = builtin.read_sources()
    known = {
        row["name"]: row["source_sha256"] async for row in QUERIES.hashes_of_templates(connection, names=list(sources))
    }
    for name, source in sources.items():
        sha256 = _hash(source.as_json())
        if known.get(name) == sha256:
            continue
        parts = builtin.compile_source(source)
        preview = builtin.preview(source, parts)
        row = {
            "locale": source.locale,
            "subject": source.subject,
            "source": source.as_json(),
            "compiled": {"subject": parts.subject, "html": parts.html, "text": parts.text},
            "fields": [],
            "links": 0,
            "has_unsubscribe": False,
            "preview_subject": preview[0],
            "preview_html": preview[1],
            "preview_text": preview[2],
            "source_sha256": sha256,
        }
        await _insert(connection, name, source.source_type, row)


async def _insert(
    connection: Connection, name: str, source_type: SourceType, row: dict[str, Any]
) -> tuple[UUID, UUID, int]:
    """The new version's template, id and number; the version in use when it was made of the same."""
    async with connection.transaction():
        await QUERIES.insert_template(connection, name=name, source_type=source_type)
        template = await QUERIES.lock_template(connection, name=name)
        newest = await QUERIES.newest_version_of_template(connection, template_id=template["id"])
        if newest is not None and newest["source_sha256"] == row["source_sha256"]:
            return template["id"], newest["id"], newest["number"]
        made = await QUERIES.insert_template_version(connection, template_id=template["id"], **row)
    return template["id"], made["id"], made["number"]


def _hash(source: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(orjson.dumps(source, option=orjson.OPT_SORT_KEYS)).digest()


# Using -----------------------------------------------------------------------------------------------------------


async def load(connection: ConnectionOrPool, version_id: UUID) -> CompiledTemplate:
    """One version; versions never change, so recent ones are kept in memory. Raises LookupError."""
    known = _LOADED.get(version_id)
    if known is not None:
        return known
    row = await QUERIES.template_version_by_id(connection, version_id=version_id)
    if row is None:
        raise LookupError(f"no template version {version_id}")
    return _LOADED.put(version_id, _compiled(row))


async def builtin_version(connection: Connection, letter: Letter, locale: str) -> CompiledTemplate:
    """The built-in template in use for a letter, in the locale, else its language, else English.

    Publishes them first where no gateway has started yet on this ledger.
    """
    names = [builtin.template_name(letter, tag) for tag in fallbacks(locale)]
    version_id = await QUERIES.first_of_templates(connection, names=names)
    if version_id is None:
        await publish_builtins(connection)
        version_id = await QUERIES.first_of_templates(connection, names=names)
    return await load(connection, version_id)


def check_merge_data(template: CompiledTemplate, values: Mapping[str, str], path: tuple[str, ...]) -> None:
    """Refuse values that cannot be mailed: MERGE_FIELD_MISSING names the field; HEADER_INJECTION in the subject's."""
    for name in template.required:
        if name not in values:
            message = f"The template needs a value for the field {name!r}."
            raise Refusal(RefusalCode.MERGE_FIELD_MISSING, message, (*path, name))
    if template.merge is not None:
        for field in fields_of(template.merge.subject):
            refuse_header_break(values.get(field.name, ""), (*path, field.name))


def preview_of(parts: MergeParts, sample: Mapping[str, str]) -> Preview:
    """The template filled in with sample data; a field without any shows its name."""
    values = {name: f"[{name}]" for name in parts.fields} | SUPPLIED_SAMPLES | dict(sample)
    return Preview(
        subject=fill_subject(parts.subject, values),
        html="".join(_shown(piece, values, html=True) for piece in parts.html),
        text="".join(_shown(piece, values, html=False) for piece in parts.text),
    )


def preview_page(html: str) -> str:
    """A preview's HTML for a frame: who follows a link with sample data in it would find an error in its place."""
    return unlinked(html)


def _shown(piece: Piece, values: Mapping[str, str], *, html: bool) -> str:
    if isinstance(piece, str):
        return piece
    if isinstance(piece, TrackingTag):
        return ""
    shown = fill_destination(piece, values) if isinstance(piece, Link) else value_of(piece, values)
    return escape(shown) if html else shown


# As the ledger keeps it ------------------------------------------------------------------------------------------


def _compiled(row: Any) -> CompiledTemplate:
    compiled = row["compiled"]
    source_type = SourceType(row["source_type"])
    merge = _read(compiled, tuple(row["fields"])) if source_type is SourceType.CAMPAIGN else None
    letter = None if merge else LetterParts(**compiled)
    return CompiledTemplate(
        id=row["id"],
        template_id=row["template_id"],
        name=row["name"],
        source_type=source_type,
        locale=row["locale"],
        fields=tuple(row["fields"]),
        required=merge.required if merge else (),
        merge=merge,
        letter=letter,
    )


def _dump(parts: MergeParts) -> dict[str, Any]:
    """Fixed text of a part is kept as it goes over the wire."""
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
            return ["mark", piece.kind, piece.before, piece.after]
        case _:
            return ["text", piece if coded is None else coded]


def _read(compiled: Mapping[str, Any], fields: tuple[str, ...]) -> MergeParts:
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
        case ["mark", kind, before, after]:
            return TrackingTag(kind=kind, before=before, after=after)
    raise ValueError(f"a template piece of a kind unknown here: {item[0]!r}")
