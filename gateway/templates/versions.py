"""Templates: published once into immutable versions, loaded ready to be filled in.

Campaign templates are what users write (`merge_compiler`, `merge_fields`); built-in ones come with us (`builtin`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from gateway.database import QUERIES, Connection, ConnectionOrPool
from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.lru import LruCache
from gateway.mail.card_number import refuse_card_number, refuse_card_number_in_url
from gateway.mail.header_guard import refuse_header_break
from gateway.mail.letter import Letter
from gateway.mail.merge_data import read_merge_data
from gateway.mail.source import SourceType
from gateway.templates import builtin
from gateway.templates.builtin import LetterParts
from gateway.templates.card_numbers import refuse_long_field_runs
from gateway.templates.compiled_json import dump_parts, read_parts
from gateway.templates.html_to_text import every_word_of_html, text_of_html
from gateway.templates.localization import check_locale, fallbacks
from gateway.templates.merge_compiler import compile_parts
from gateway.templates.merge_fields import LONGEST_SUBJECT, MergeParts, fields_of
from gateway.templates.preview import Preview, render_preview

PUBLISHING = 3
"""Rises when the same source would be compiled to another page: published again, it is a new version then."""


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

    @classmethod
    def from_row(cls, row: Any) -> CompiledTemplate:
        """Of a row of `template_version`, with its template's name and source type."""
        source_type = SourceType(row["source_type"])
        fields = tuple(row["fields"])
        merge = read_parts(row["compiled"], fields) if source_type is SourceType.CAMPAIGN else None
        return cls(
            id=row["id"],
            template_id=row["template_id"],
            name=row["name"],
            source_type=source_type,
            locale=row["locale"],
            fields=fields,
            required=merge.required if merge else (),
            merge=merge,
            letter=None if merge else LetterParts(**row["compiled"]),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _NewVersion:
    """A version to be written, unless the one in use was made of the same source (`source_sha256`)."""

    locale: str
    subject: str
    source: Mapping[str, Any]
    source_sha256: bytes
    compiled: Mapping[str, Any]
    preview: Preview
    fields: tuple[str, ...] = ()
    links: int = 0
    has_unsubscribe: bool = False


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
    """Publish a campaign template's next version; returns the version in use when nothing differs.

    Exactly one of `mjml` and `html`; without `text` it is derived from the page. Where its author left out the sender's
    postal address it is put at the end, as is the unsubscribe address in the text. Raises Refusal, or Refusals of the
    whole input: TEMPLATE_INVALID, REQUIRED, INVALID, TOO_LONG, TOO_MANY, CARD_NUMBER, HEADER_INJECTION,
    UNSUBSCRIBE_MISSING.
    """
    page = ("html",) if mjml is None else ("mjml",)
    found = RefusalCollector()
    _check_publish(name, subject, locale, found)
    with found.check():
        sample = read_merge_data(sample_data, ("sampleData",))
    with found.check():
        _check_page(mjml, html, page)
        parts = compile_parts(subject=subject, mjml=mjml, html=html, text=text)
    found.raise_any()
    source = {"subject": subject, "mjml": mjml, "html": html, "text": text, "sample_data": sample, "locale": locale}
    preview = render_preview(parts, sample)
    with found.check():
        refuse_without_unsubscribe(parts, page)
    with found.check():
        refuse_long_field_runs(parts, page)
        _refuse_card_numbers(parts, preview, page=page)
        _refuse_card_number_in_text(every_word_of_html(mjml or html or ""), page)
    found.raise_any()
    new = _NewVersion(
        locale=locale,
        subject=subject.strip(),
        source=source,
        source_sha256=_hash(source | {"publishing": PUBLISHING}),
        compiled=dump_parts(parts),
        preview=preview,
        fields=parts.fields,
        links=parts.links,
        has_unsubscribe=parts.has_unsubscribe,
    )
    template_id, version_id, number = await _insert(connection, name.strip(), SourceType.CAMPAIGN, new)
    return PublishedTemplate(
        template_id=template_id,
        version_id=version_id,
        number=number,
        fields=parts.fields,
        has_unsubscribe=parts.has_unsubscribe,
        preview=preview,
    )


def _check_publish(name: str, subject: str, locale: str, found: RefusalCollector) -> None:
    for value, path, longest in ((name, ("name",), 255), (subject, ("subject",), LONGEST_SUBJECT)):
        with found.check():
            refuse_header_break(value, path)
            if not value.strip():
                raise Refusal(RefusalCode.REQUIRED, "This must not be empty.", path)
            if len(value) > longest:
                raise Refusal(RefusalCode.TOO_LONG, f"At most {longest} characters.", path)
    with found.check():
        refuse_card_number(name, ("name",))
    with found.check():
        if name.strip().startswith(builtin.PREFIX):
            raise Refusal(RefusalCode.CONFLICT, f"Names that start with {builtin.PREFIX!r} are ours.", ("name",))
    with found.check():
        check_locale(locale, ("locale",))


def _check_page(mjml: str | None, html: str | None, page: tuple[str, ...]) -> None:
    if (mjml is None) == (html is None):
        raise Refusal(RefusalCode.REQUIRED, "Give one of mjml and html.", ("mjml",))
    if not (mjml or html or "").strip():
        raise Refusal(RefusalCode.REQUIRED, "This must not be empty.", page)


def refuse_without_unsubscribe(parts: MergeParts, path: tuple[str, ...]) -> None:
    """Refuse a page without an unsubscribe link (UNSUBSCRIBE_MISSING): its words are the author's."""
    if parts.part_without_unsubscribe == "html":
        message = (
            "The template's HTML shows no unsubscribe link, which campaign mail must: "
            'put <a href="{{ unsubscribe_url }}"> into it.'
        )
        raise Refusal(RefusalCode.UNSUBSCRIBE_MISSING, message, path)


def _refuse_card_numbers(parts: MergeParts, preview: Preview, *, page: tuple[str, ...]) -> None:
    """Refuse a card number in what a mail shows, with sample data or defaults; markup has digits of other uses."""
    defaults = {name: "" for name in parts.fields if name not in parts.required}
    for shown in (preview, render_preview(parts, defaults)):
        _refuse_card_number_in_text(shown.subject, ("subject",))
        _refuse_card_number_in_text(text_of_html(shown.html), page)
        _refuse_card_number_in_text(every_word_of_html(shown.html), page)
        _refuse_card_number_in_text(shown.text, ("text",))


def _refuse_card_number_in_text(text: str, field: tuple[str, ...]) -> None:
    """Refuse a card number. Addresses of links are full of digits: of these only whole words count."""
    for url in _URL.findall(text):
        refuse_card_number_in_url(url, field)
    refuse_card_number(_URL.sub(" \n", text), field)


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
        new = _NewVersion(
            locale=source.locale,
            subject=source.subject,
            source=source.as_json(),
            source_sha256=sha256,
            compiled={"subject": parts.subject, "html": parts.html, "text": parts.text},
            preview=builtin.preview(source, parts),
        )
        await _insert(connection, name, source.source_type, new)


async def _insert(
    connection: Connection, name: str, source_type: SourceType, new: _NewVersion
) -> tuple[UUID, UUID, int]:
    """Returns template, id and number of the new version, or of the one in use when it was made of the same source."""
    async with connection.transaction():
        await QUERIES.insert_template(connection, name=name, source_type=source_type)
        template = await QUERIES.lock_template(connection, name=name)
        newest = await QUERIES.newest_version_of_template(connection, template_id=template["id"])
        if newest is not None and newest["source_sha256"] == new.source_sha256:
            return template["id"], newest["id"], newest["number"]
        made = await QUERIES.insert_template_version(
            connection,
            template_id=template["id"],
            locale=new.locale,
            subject=new.subject,
            source=new.source,
            compiled=new.compiled,
            fields=list(new.fields),
            links=new.links,
            has_unsubscribe=new.has_unsubscribe,
            preview_subject=new.preview.subject,
            preview_html=new.preview.html,
            preview_text=new.preview.text,
            source_sha256=new.source_sha256,
        )
    return template["id"], made["id"], made["number"]


def _hash(source: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(orjson.dumps(source, option=orjson.OPT_SORT_KEYS)).digest()


# Loading ---------------------------------------------------------------------------------------------------------


async def load(connection: ConnectionOrPool, version_id: UUID) -> CompiledTemplate:
    """Returns one version; versions never change, so recent ones are kept in memory. Raises LookupError."""
    known = _LOADED.get(version_id)
    if known is not None:
        return known
    row = await QUERIES.template_version_by_id(connection, version_id=version_id)
    if row is None:
        raise LookupError(f"no template version {version_id}")
    return _LOADED.put(version_id, CompiledTemplate.from_row(row))


async def builtin_version(connection: Connection, letter: Letter, locale: str) -> CompiledTemplate:
    """Returns the built-in template in use for a letter, in the locale, else its language, else English.

    Publishes the built-in templates first where no gateway has started yet on this ledger.
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
