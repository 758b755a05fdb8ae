"""Templates: published once into immutable versions, loaded ready to be filled in.

Campaign templates are what users write (`merge_compiler`, `merge_fields`); built-in ones come with us (`builtin`).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson

from gateway.database import QUERIES, Connection, ConnectionOrPool
from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.lru import LruCache
from gateway.mail.header_guard import refuse_header_break
from gateway.mail.letter import Letter
from gateway.mail.merge_data import ATTRIBUTE_FIELD
from gateway.mail.source import SourceType
from gateway.templates import builtin
from gateway.templates.builtin import LetterParts
from gateway.templates.compiled_json import read_parts
from gateway.templates.html_links import page_faults
from gateway.templates.localization import fallbacks
from gateway.templates.mail_warnings import (
    MailWarning,
    MailWarningCode,
    keys_unknown,
    postal_address_missing,
    sent_size,
    warnings_of_page,
)
from gateway.templates.merge_compiler import compile_subject
from gateway.templates.merge_fields import SUPPLIED, MergeParts, fields_of, is_of_customer
from gateway.templates.preview import Preview
from gateway.templates.publishing import PUBLISHING, CompiledSource, refuse_without_unsubscribe


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedTemplate:
    """What publishing made. `fields` are the merge fields it names."""

    template_id: UUID
    version_id: UUID
    number: int
    fields: tuple[str, ...]
    has_unsubscribe: bool
    preview: Preview
    warnings: tuple[MailWarning, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledTemplate:
    """One version, ready to be filled in. Exactly one of `merge` (campaigns) and `letter` (built-in) is there.

    `fields` are the merge fields it names, `required` those without a default that every recipient must be given.
    `attributes` and `required_attributes` are the same of the customer's own values, by their names there:
    `customer.attributes.NAME` is a field, NAME an attribute.
    """

    id: UUID
    template_id: UUID
    name: str
    source_type: SourceType
    locale: str
    fields: tuple[str, ...]
    required: tuple[str, ...]
    attributes: tuple[str, ...] = ()
    required_attributes: tuple[str, ...] = ()
    merge: MergeParts | None = None
    letter: LetterParts | None = None

    @property
    def all_fields(self) -> tuple[str, ...]:
        """The merge fields it names, and those it uses that are supplied."""
        if self.merge is None:
            return self.fields
        used = {field.name for field in fields_of([*self.merge.subject, *self.merge.html, *self.merge.text])}
        return (*self.fields, *sorted(used & SUPPLIED))

    @classmethod
    def from_row(cls, row: Any) -> CompiledTemplate:
        """Of a row of `template_version`, with its template's name and source type."""
        source_type = SourceType(row["source_type"])
        fields = tuple(row["fields"])
        merge = read_parts(row["compiled"], fields) if source_type is SourceType.CAMPAIGN else None
        required = merge.required if merge else ()
        return cls(
            id=row["id"],
            template_id=row["template_id"],
            name=row["name"],
            source_type=source_type,
            locale=row["locale"],
            fields=fields,
            required=tuple(name for name in required if not is_of_customer(name)),
            attributes=_attributes(fields),
            required_attributes=_attributes(required),
            merge=merge,
            letter=None if merge else LetterParts(**row["compiled"]),
        )


def _attributes(fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.removeprefix(ATTRIBUTE_FIELD) for name in fields if is_of_customer(name))


_LOADED = LruCache[UUID, CompiledTemplate](128)
_WITH_SUBJECT = LruCache[tuple[UUID, str], CompiledTemplate](128)
"""Versions with subjects of mailings' own: as many as the versions themselves."""


def marked(version: CompiledTemplate, mark: str) -> CompiledTemplate:
    """A campaign's version whose subject line begins with a mark. Raises ValueError for a built-in template."""
    if version.merge is None:
        raise ValueError(f"{version.name} is no campaign's template")
    return replace(version, merge=replace(version.merge, subject=(mark, *version.merge.subject)))


# Publishing ------------------------------------------------------------------------------------------------------


async def publish(connection: Connection, new: CompiledSource, *, actor: str) -> PublishedTemplate:
    """Write a campaign template's next version; returns the version in use when it was made of the same source."""
    sha256 = _hash({**new.source, "publishing": PUBLISHING})
    template_id, version_id, number = await _insert(connection, SourceType.CAMPAIGN, new, sha256, actor=actor)
    return PublishedTemplate(
        template_id=template_id,
        version_id=version_id,
        number=number,
        fields=new.fields,
        has_unsubscribe=new.has_unsubscribe,
        preview=new.preview,
        warnings=await warnings_of_source(connection, new, new.preview.html),
    )


async def warnings_of_source(connection: Connection, new: CompiledSource, html: str) -> tuple[MailWarning, ...]:
    """What may look wrong with mail of a source, filled in as `html`, and what no campaign can be launched for."""
    size = sent_size(len(html.encode()), new.links)
    return (*warnings_of_page(size, new.faults), *await _warnings_of_senders(connection))


def unpublished(new: CompiledSource) -> CompiledTemplate:
    """A source as a version that is in no ledger: for mail that is no campaign's."""
    nowhere = UUID(int=0)
    row = {"id": nowhere, "template_id": nowhere, "name": new.name, "source_type": SourceType.CAMPAIGN}
    return CompiledTemplate.from_row(
        {**row, "locale": new.locale, "fields": new.fields, "compiled": dict(new.compiled)}
    )


async def _warnings_of_senders(connection: Connection) -> tuple[MailWarning, ...]:
    """A template has no sender of its own; but while none can send a campaign, nobody can launch one with it."""
    if await QUERIES.sender_with_postal_address(connection):
        return ()
    return (postal_address_missing("No sender has a postal address yet"),)


async def warnings_of_campaign(connection: Connection, campaign_id: UUID) -> tuple[MailWarning, ...]:
    """What may look wrong with a campaign's mailings, each kind once a template, and which values no field uses."""
    found: list[MailWarning] = []
    fields: set[str] = set()
    for row in [row async for row in QUERIES.versions_of_campaign(connection, campaign_id=campaign_id)]:
        version = await load(connection, row["id"])
        found += await asyncio.to_thread(warnings_of_version, version, row["preview_html"], row["links"])
        fields |= {*version.fields, *SUPPLIED}
    keys = [row["name"] async for row in QUERIES.merge_keys_of_campaign(connection, campaign_id=campaign_id)]
    unknown = [name for name in keys if name not in fields]
    return (*dict.fromkeys(found), *([keys_unknown(unknown)] if unknown and fields else ()))


def warnings_of_version(version: CompiledTemplate, html: str, links: int) -> tuple[MailWarning, ...]:
    """What may look wrong with mail of a version, whose page with sample data is `html` and has so many links, and
    what a launch is refused for. Takes as long as parsing the page: for a thread."""
    if version.merge is None:
        return ()
    found = warnings_of_page(sent_size(len(html.encode()), links), page_faults(html))
    return (*found, *footer_warnings(version))


def footer_warnings(version: CompiledTemplate) -> tuple[MailWarning, ...]:
    """What `refuse_without_footer` refuses of a campaign's version, as a warning before the launch."""
    try:
        refuse_without_footer(version, ())
    except Refusal as refusal:
        return (MailWarning(code=MailWarningCode(refusal.code), message=refusal.message, blocking=True),)
    return ()


def refuse_without_footer(version: CompiledTemplate, path: tuple[str, ...]) -> None:
    """Refuse a version whose mail would not show the unsubscribe link and the postal address in whichever part is read.

    Publishing completes what it can; versions published before it did may lack more. Raises Refusal: INVALID,
    UNSUBSCRIBE_MISSING, POSTAL_ADDRESS_MISSING.
    """
    if version.merge is None:
        raise Refusal(RefusalCode.INVALID, "This is no template of campaigns.", path)
    refuse_without_unsubscribe(version.merge, path)
    lacking = version.merge.part_without_unsubscribe
    if lacking or version.merge.part_without_postal_address:
        code = RefusalCode.UNSUBSCRIBE_MISSING if lacking else RefusalCode.POSTAL_ADDRESS_MISSING
        message = (
            "This version of the template does not show the unsubscribe link and the postal address in both parts: "
            "publish the template again, which completes it, and make the campaign with that."
        )
        raise Refusal(code, message, path)


async def publish_builtins(connection: Connection) -> None:
    """Write the built-in templates whose source changed, one new version each. Safe when several processes start."""
    sources = builtin.read_sources()
    known = {
        row["name"]: row["source_sha256"] async for row in QUERIES.hashes_of_templates(connection, names=list(sources))
    }
    for name, source in sources.items():
        sha256 = _hash(source.as_json() | {"publishing": str(PUBLISHING)})
        if known.get(name) == sha256:
            continue
        parts = builtin.compile_source(source)
        new = CompiledSource(
            name=name,
            locale=source.locale,
            subject=source.subject,
            source=source.as_json(),
            compiled={"subject": parts.subject, "html": parts.html, "text": parts.text},
            preview=builtin.preview(source, parts),
        )
        await _insert(connection, source.source_type, new, sha256, actor=None)


async def _insert(
    connection: Connection, source_type: SourceType, new: CompiledSource, source_sha256: bytes, *, actor: str | None
) -> tuple[UUID, UUID, int]:
    """Returns template, id and number of the new version, or of the one in use when it was made of the same source."""
    async with connection.transaction():
        await QUERIES.insert_template(connection, name=new.name, source_type=source_type)
        template = await QUERIES.lock_template(connection, name=new.name)
        newest = await QUERIES.newest_version_of_template(connection, template_id=template["id"])
        if newest is not None and newest["source_sha256"] == source_sha256:
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
            source_sha256=source_sha256,
            actor=actor,
        )
    return template["id"], made["id"], made["number"]


def _hash(source: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(orjson.dumps(source, option=orjson.OPT_SORT_KEYS)).digest()


# Loading ---------------------------------------------------------------------------------------------------------


def recent(version_id: UUID) -> CompiledTemplate | None:
    """Returns one version where it is in memory."""
    return _LOADED.get(version_id)


async def load(connection: ConnectionOrPool, version_id: UUID) -> CompiledTemplate:
    """Returns one version; versions never change, so recent ones are kept in memory. Raises LookupError."""
    known = _LOADED.get(version_id)
    if known is not None:
        return known
    row = await QUERIES.template_version_by_id(connection, version_id=version_id)
    if row is None:
        raise LookupError(f"no template version {version_id}")
    return remember(row)


def remember(row: Any) -> CompiledTemplate:
    """Returns the version of a row of `template_version_by_id`, and keeps it in memory."""
    return _LOADED.put(row["id"], CompiledTemplate.from_row(row))


def with_subject(template: CompiledTemplate, subject: str | None) -> CompiledTemplate:
    """Returns a campaign's version with a mailing's own subject line, the same value for the same subject; the version
    itself where there is none.

    Raises Refusal for what `own_subjects.read_subject` would not have taken.
    """
    if subject is None or template.merge is None:
        return template
    key = template.id, subject
    known = _WITH_SUBJECT.get(key)
    if known is None:
        pieces = compile_subject(subject.strip(), ("subject",))
        known = _WITH_SUBJECT.put(key, replace(template, merge=replace(template.merge, subject=pieces)))
    return known


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
    """Refuse values that cannot be mailed: MERGE_FIELD_MISSING names the field; HEADER_INJECTION in the subject's.

    Raises Refusal, or Refusals of all of them. Of customers' own values nothing is known here.
    """
    found = RefusalCollector()
    for name in template.required:
        if name not in values:
            with found.check():
                message = f"The template needs a value for the field {name!r}."
                raise Refusal(RefusalCode.MERGE_FIELD_MISSING, message, (*path, name))
    if template.merge is not None:
        for field in fields_of(template.merge.subject):
            with found.check():
                refuse_header_break(values.get(field.name, ""), (*path, field.name))
    found.raise_any()
