"""Templates in the ledger: versions are immutable, publishing is safe, everything reads back as it was."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from gateway.compose.campaign import compose_campaign, render_subject
from gateway.compose.individual import compose
from gateway.mail.source import SourceType
from gateway.templates import builtin, versions
from gateway.templates.publishing import TemplateSource, compile_source
from tests.builders import KEYRING
from tests.builders import insert as insert_row
from tests.mails import FACTS, SENDER, body, parsed
from tests.reference_composer import compose_reference

SOURCE: dict[str, Any] = {
    "name": "Spring news",
    "subject": 'Hello {{ first_name|default("you") }}',
    "html": '<p>Hi {{ first_name|default("you") }}, <a href="https://x.example/{{ sku }}">this</a></p>'
    '<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>',
    "sample_data": {"first_name": "Sam", "sku": "7"},
}


# Campaign templates


async def test_a_published_template_reads_back_and_composes(connection: Any) -> None:
    published = await versions.publish(connection, compile_source(TemplateSource(**SOURCE)), actor="test")
    assert (published.number, published.fields, published.has_unsubscribe) == (1, ("first_name", "sku"), True)
    assert published.preview.subject == "Hello Sam"

    loaded = await versions.load(connection, published.version_id)
    assert (loaded.fields, loaded.required) == (("first_name", "sku"), ("sku",))
    given: dict[str, Any] = {
        "template": loaded,
        "sender": SENDER,
        "facts": FACTS,
        "merge_data": {"sku": "1/2"},
        "keyring": KEYRING,
    }
    mail = compose_campaign(**given)
    assert mail == compose_reference(**given)
    assert "Hi you" in body(parsed(mail.content), "html")


async def test_an_old_subject_with_our_own_fields_is_composed_as_it_was_sent(connection: Any) -> None:
    # Given a version from before subjects with them were refused
    published = await versions.publish(connection, compile_source(TemplateSource(**SOURCE)), actor="test")
    row = dict(await connection.fetchrow("select * from template_version where id = $1", published.version_id))
    subject = [["text", "From "], ["field", "postal_address", "us"], ["field", "unsubscribe_url", None]]
    row |= {"number": 2, "compiled": row["compiled"] | {"subject": subject}}
    del row["id"]
    old = await versions.load(connection, (await insert_row(connection, "template_version", **row))["id"])
    # When its mail is made
    given: dict[str, Any] = {"template": old, "sender": SENDER, "facts": FACTS, "merge_data": {"sku": "1"}}
    mail = compose_campaign(**given, keyring=KEYRING)
    # Then it is byte by byte what was sent then, so its exact copy stays one
    assert mail == compose_reference(**given, keyring=KEYRING)
    assert re.fullmatch(r"From 1 Main Street, Springfield ?https://\S+/u/\S+", mail.subject)
    # And the row, which cannot know either value, does without
    assert render_subject(old, {"sku": "1"}, customer_name=None) == "From us"


async def test_the_same_source_is_the_same_version_and_another_is_the_next(connection: Any) -> None:
    first = await versions.publish(connection, compile_source(TemplateSource(**SOURCE)), actor="test")
    again = await versions.publish(connection, compile_source(TemplateSource(**SOURCE)), actor="test")
    second = await versions.publish(
        connection, compile_source(TemplateSource(**SOURCE | {"subject": "Bye"})), actor="test"
    )
    assert again == first
    assert (second.template_id, second.number) == (first.template_id, 2)
    assert (await versions.load(connection, first.version_id)).id == first.version_id


async def test_a_version_never_changes(connection: Any) -> None:
    published = await versions.publish(connection, compile_source(TemplateSource(**SOURCE)), actor="test")
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute("update template_version set subject = 'x' where id = $1", published.version_id)


# Built-in templates


async def test_several_processes_publish_the_built_in_templates_once(pool: asyncpg.Pool[Any]) -> None:
    async def start() -> None:
        async with pool.acquire() as connection:
            await versions.publish_builtins(connection)

    await asyncio.gather(*(start() for _ in range(4)))
    await start()
    counts = await pool.fetchrow(
        "select count(*) as versions, count(distinct template_id) as templates, count(distinct locale) as locales,"
        " count(*) filter (where preview_html like '%Sample%') as previews from template_version"
    )
    assert counts is not None
    assert dict(counts) == {"versions": 22, "templates": 22, "locales": 2, "previews": 22}


async def test_a_changed_built_in_template_becomes_a_new_version(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await versions.publish_builtins(connection)
    sources = builtin.read_sources()
    name = "builtin.card.charge.en"
    changed = sources | {name: replace(sources[name], subject="Thanks for {{ amount }}")}
    monkeypatch.setattr(builtin, "read_sources", lambda: changed)
    await versions.publish_builtins(connection)
    letter = builtin.sample_letter(SourceType.CARD_PROCESSING, "CHARGE")
    version = await versions.builtin_version(connection, letter, "en")
    assert version.letter is not None
    assert version.letter.subject == "Thanks for {{ amount }}"
    assert await connection.fetchval("select count(*) from template_version") == 23


def test_no_built_in_letter_loads_anything_from_elsewhere() -> None:
    loading = re.compile(r"<link|@import|\ssrc=|url\(")
    pages = {name: builtin.compile_source(source).html for name, source in builtin.read_sources().items()}
    assert len(pages) > 10
    assert [name for name, page in pages.items() if loading.search(page)] == []


async def test_a_letter_finds_its_template_in_the_nearest_locale(connection: Any) -> None:
    await versions.publish_builtins(connection)
    letter = builtin.sample_letter(SourceType.WORK_ORDER, "CREATED")
    asked = {"de": "de", "de-AT": "de", "DE_ch": "de", "en-GB": "en", "fr": "en", "": "en"}
    for locale, found in asked.items():
        version = await versions.builtin_version(connection, letter, locale)
        assert (version.name, version.locale) == (f"builtin.work-order.created.{found}", found)
        mail = compose(letter, template=version, sender=SENDER, facts=replace(FACTS, locale=locale), keyring=KEYRING)
        assert ("Termin" in mail.subject) is (found == "de")


async def test_a_letter_finds_its_template_on_a_ledger_no_gateway_has_seen(connection: Any) -> None:
    letter = builtin.sample_letter(SourceType.WORK_ORDER, "CREATED")
    assert (await versions.builtin_version(connection, letter, "de")).name == "builtin.work-order.created.de"


async def test_an_unknown_version_is_said_to_be(connection: Any) -> None:
    with pytest.raises(LookupError):
        await versions.load(connection, UUID(int=99))
