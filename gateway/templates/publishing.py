"""A campaign template's source, checked and compiled into a version. Pure; a page of half a megabyte takes seconds, so
`compile_process` does it away from the event loop.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gateway.errors import Refusal, RefusalCode, RefusalCollector
from gateway.mail.card_number import refuse_card_number, refuse_card_number_in_url
from gateway.mail.header_guard import refuse_header_break
from gateway.mail.merge_data import TEMPLATE_FIELD, read_merge_data
from gateway.templates.builtin import PREFIX
from gateway.templates.card_numbers import refuse_long_field_runs
from gateway.templates.compiled_json import dump_parts
from gateway.templates.html_links import WITHOUT_FAULTS, PageFaults, page_faults
from gateway.templates.html_to_text import every_word_of_html, flowing_text_of_html
from gateway.templates.localization import check_locale
from gateway.templates.merge_compiler import compile_parts
from gateway.templates.merge_fields import LONGEST_SUBJECT, MergeParts, merge_key
from gateway.templates.preview import Preview, render_preview

PUBLISHING = 4
"""Rises when the same source would be compiled to another page: published again, it is a new version then."""

_URL = re.compile(r"https?:[^\s<>]+", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateSource:
    """What an author gives: exactly one of `mjml` and `html`; without `text` it is derived from the page.

    `sample_data` is merge data as it came in, as JSON has it; it may have values of `customer.name` and
    `customer.attributes.NAME`.
    """

    name: str
    subject: str
    mjml: str | None = None
    html: str | None = None
    text: str | None = None
    sample_data: object = None
    locale: str = "en"


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledSource:
    """What a version is made of. `source` tells it from versions made of something else; all of it goes into JSON."""

    name: str
    locale: str
    subject: str
    source: Mapping[str, Any]
    compiled: Mapping[str, Any]
    preview: Preview
    fields: tuple[str, ...] = ()
    links: int = 0
    has_unsubscribe: bool = False
    faults: PageFaults = WITHOUT_FAULTS


def compile_source(given: TemplateSource) -> CompiledSource:
    """Returns the version that the source makes. Where its author left out the sender's postal address it is put at the
    end, as is the unsubscribe address in the text.

    Raises Refusal, or Refusals of the whole source: TEMPLATE_INVALID, REQUIRED, INVALID, CONFLICT, TOO_LONG, TOO_MANY,
    CARD_NUMBER, HEADER_INJECTION, UNSUBSCRIBE_MISSING.
    """
    page = ("html",) if given.mjml is None else ("mjml",)
    found = RefusalCollector()
    _check_names(given, found)
    with found.check():
        sample = _read_sample(given.sample_data)
    with found.check():
        _check_page(given.mjml, given.html, page)
        parts = compile_parts(
            subject=given.subject, mjml=given.mjml, html=given.html, text=given.text, locale=given.locale
        )
    found.raise_any()
    preview = render_preview(parts, sample)
    with found.check():
        refuse_without_unsubscribe(parts, page)
    with found.check():
        refuse_long_field_runs(parts, page)
    with found.check():
        _refuse_card_numbers(parts, preview, page=page, typed_text=bool((given.text or "").strip()))
    found.raise_any()
    _refuse_card_number_in_text(every_word_of_html(given.mjml or given.html or ""), page)
    source = asdict(given) | {"sample_data": sample}
    del source["name"]
    return CompiledSource(
        name=given.name.strip(),
        locale=given.locale,
        subject=given.subject.strip(),
        source=source,
        compiled=dump_parts(parts),
        preview=preview,
        fields=parts.fields,
        links=parts.links,
        has_unsubscribe=parts.has_unsubscribe,
        faults=page_faults(preview.html, given.mjml or given.html or ""),
    )


def _read_sample(value: object) -> dict[str, str]:
    """Sample values by the names of fields as templates write them, customers' among them. Raises Refusal."""
    read = read_merge_data(value, ("sampleData",), names=TEMPLATE_FIELD)
    return {merge_key(name): text for name, text in read.items()}


def _check_names(given: TemplateSource, found: RefusalCollector) -> None:
    for value, path, longest in ((given.name, ("name",), 255), (given.subject, ("subject",), LONGEST_SUBJECT)):
        with found.check():
            refuse_header_break(value, path)
            if not value.strip():
                raise Refusal(RefusalCode.REQUIRED, "This must not be empty.", path)
            if len(value) > longest:
                raise Refusal(RefusalCode.TOO_LONG, f"At most {longest} characters.", path)
    with found.check():
        refuse_card_number(given.name, ("name",))
    with found.check():
        if given.name.strip().startswith(PREFIX):
            raise Refusal(RefusalCode.CONFLICT, f"Names that start with {PREFIX!r} are ours.", ("name",))
    with found.check():
        check_locale(given.locale, ("locale",))


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


def _refuse_card_numbers(parts: MergeParts, preview: Preview, *, page: tuple[str, ...], typed_text: bool) -> None:
    """Refuse a card number in what a mail shows, with sample data or defaults; markup has digits of other uses."""
    defaults = {name: "" for name in parts.fields if name not in parts.required}
    found = RefusalCollector()
    for shown in dict.fromkeys((preview, render_preview(parts, defaults))):
        with found.check():
            _refuse_card_number_in_text(shown.subject, ("subject",))
        with found.check():
            _refuse_card_number_in_text(flowing_text_of_html(shown.html), page)
            _refuse_card_number_in_text(every_word_of_html(shown.html), page)
            if not typed_text:
                _refuse_card_number_in_text(shown.text, ("text",))  # derived: it repeats the page's
        if typed_text:
            with found.check():
                _refuse_card_number_in_text(shown.text, ("text",))
        found.raise_any()  # filled in the other way, it would say the same again


def _refuse_card_number_in_text(text: str, field: tuple[str, ...]) -> None:
    """Refuse a card number. Addresses of links are full of digits: of these only whole words count."""
    for url in _URL.findall(text):
        refuse_card_number_in_url(url, field)
    refuse_card_number(_URL.sub(" \n", text), field)
