"""The templates that come with us, for letters to one customer: files under `letters/`, compiled when published.

    letters/<kind>/<locale>/subject.txt body.mjml body.txt      one letter's words
    letters/parts/[<locale>/]*                                  what letters share; the frame is frame.mjml, frame.txt

A file includes another by `{% include "name" %}`, looked for in its own directory, then in parts/<locale>, then in
parts. Values are filled in by jinja2 in a sandbox; MJML and CSS are compiled before, at publishing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from gateway.mail.letter import (
    CardLetter,
    CardMailKind,
    DocumentKind,
    ESignatureLetter,
    Letter,
    Money,
    Window,
    WorkOrderKind,
    WorkOrderLetter,
)
from gateway.mail.source import SourceType
from gateway.templates.localization import (
    Values,
    read_locale,
    values_of_card,
    values_of_e_signature,
    values_of_work_order,
)
from gateway.templates.mjml import compile_mjml, inline_css
from gateway.templates.preview import Preview
from gateway.templates.template_code import protect_code

PREFIX = "builtin."
"""Names of built-in templates start with it; users' names may not."""

MAX_INCLUDE_DEPTH = 5
"""Files included in files."""

_LETTERS = Path(__file__).parent / "letters"
_INCLUDE = re.compile(r"\{%\s*include\s+\"([a-z-]+\.(?:mjml|txt))\"\s*%\}\n?")
_CODE = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_KINDS = {
    SourceType.WORK_ORDER: ("work-order", WorkOrderKind),
    SourceType.E_SIGNATURE: ("e-signature", DocumentKind),
    SourceType.CARD_PROCESSING: ("card", CardMailKind),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class LetterParts:
    """A built-in template compiled: jinja2 sources, the page's MJML compiled and its CSS inlined."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LetterSource:
    """A built-in template as its files have it, their includes resolved."""

    source_type: SourceType
    kind: str
    locale: str
    subject: str
    mjml: str
    text: str

    def as_json(self) -> dict[str, str]:
        """What the ledger keeps of it, and by which a change is noticed."""
        return {"subject": self.subject, "mjml": self.mjml, "text": self.text}


def template_name(letter: Letter, locale: str) -> str:
    """The name of the letter's template in a locale: `builtin.work-order.created.en`."""
    return _name(letter.source_type, str(letter.letter_kind), locale)


def _name(source_type: SourceType, kind: str, locale: str) -> str:
    return f"{PREFIX}{_KINDS[source_type][0]}.{kind.lower().replace('_', '-')}.{locale}"


# Publishing ------------------------------------------------------------------------------------------------------


def read_sources() -> dict[str, LetterSource]:
    """Every built-in template by its name."""
    sources = {}
    for source_type, (group, kinds) in _KINDS.items():
        for kind in kinds:
            directory = _LETTERS / f"{group}.{kind.lower().replace('_', '-')}"
            for localized in sorted(path for path in directory.iterdir() if path.is_dir()):
                name = _name(source_type, kind.value, localized.name)
                sources[name] = _read_source(source_type, kind.value, localized)
    return sources


def _read_source(source_type: SourceType, kind: str, directory: Path) -> LetterSource:
    return LetterSource(
        source_type=source_type,
        kind=kind,
        locale=directory.name,
        subject=_read_file("subject.txt", directory).strip(),
        mjml=_read_file("frame.mjml", directory),
        text=_read_file("frame.txt", directory),
    )


def _read_file(name: str, directory: Path, depth: int = 0) -> str:
    """A file's text with its includes. `directory` is the letter's, in one locale."""
    if depth > MAX_INCLUDE_DEPTH:
        raise ValueError(f"{name} includes itself")
    places = (directory, _LETTERS / "parts" / directory.name, _LETTERS / "parts")
    found = next((place / name for place in places if (place / name).is_file()), None)
    if found is None:
        raise ValueError(f"{directory}: there is no {name}")
    text = found.read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda match: _read_file(match.group(1), directory, depth + 1), text)


def compile_source(source: LetterSource) -> LetterParts:
    """MJML compiled and CSS inlined around the template code."""
    protected, code = protect_code(source.mjml, _CODE)
    page = inline_css(compile_mjml(protected, ("mjml",)), ("mjml",))
    return LetterParts(subject=source.subject, html=code.restore(page), text=source.text)


def preview(source: LetterSource, parts: LetterParts) -> Preview:
    """The template filled in with sample data."""
    values = {
        "customer_name": "Alex Sample",
        "sender_name": "Sample Installers",
        "signature": "Sam Sample\nSample Installers",
        "postal_address": "1 Sample Street, Sampletown",
        "locale": source.locale,
    }
    letter = sample_letter(source.source_type, source.kind)
    subject, html, text = fill(parts, values | values_of(letter, source.locale, "Europe/Berlin"))
    return Preview(subject=subject, html=html, text=text)


def sample_letter(source_type: SourceType, kind: str) -> Letter:
    """A letter that says everything its kind can say, about nobody."""
    link = "https://portal.example/sample"
    if source_type is SourceType.WORK_ORDER:
        return WorkOrderLetter(
            kind=WorkOrderKind(kind),
            number="WO-1042",
            type="Home cinema installation",
            window=Window.parse("2030-06-03T09:00", "2030-06-03T11:00", "Europe/Berlin"),
            technician="Kim Sample",
            job_site_address="1 Sample Street\nSampletown",
            notes="Please keep the driveway clear.\nThe doorbell is at the side.",
            confirm_url=link,
        )
    if source_type is SourceType.E_SIGNATURE:
        return ESignatureLetter(
            document_kind=DocumentKind(kind),
            title="Home cinema, ground floor",
            revision="B",
            portal_url=link,
            expires_at=datetime(2030, 6, 30, 16, tzinfo=UTC),
        )
    return CardLetter(
        kind=CardMailKind(kind),
        amount=Money(amount=Decimal("1280.50"), currency="EUR"),
        invoice_number="INV-2042",
        card_brand="Visa",
        card_last_four="4242",
        authorisation_code="A1B2C3",
        portal_url=link,
        note="Questions? Just reply to this mail.",
    )


# Filling in ------------------------------------------------------------------------------------------------------


def values_of(letter: Letter, locale: str, time_zone: str) -> Values:
    """The values that templates of this letter may show, in the customer's locale and zone."""
    known = read_locale(locale)
    match letter:
        case WorkOrderLetter():
            return values_of_work_order(letter, known)
        case ESignatureLetter():
            return values_of_e_signature(letter, known, time_zone)
        case CardLetter():
            return values_of_card(letter, known)


def fill(parts: LetterParts, values: Mapping[str, str]) -> tuple[str, str, str]:
    """Returns subject, HTML and text of one letter. The subject is one line."""
    subject = " ".join(_template(parts.subject, False).render(values).split())
    html = _template(parts.html, True).render(values, subject=subject)
    text = _template(parts.text, False).render(values)
    return subject, html, re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _lines(text: str) -> Markup:
    """Text whose line ends show in a page."""
    return Markup("<br>").join(escape(line) for line in text.splitlines())


def _environment(html: bool) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=html, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    made.filters["lines"] = _lines
    return made


_ENVIRONMENTS = {html: _environment(html) for html in (False, True)}


@lru_cache(maxsize=256)
def _template(source: str, html: bool):  # type: ignore[no-untyped-def]  # jinja2's Template is generic in nothing we use
    return _ENVIRONMENTS[html].from_string(source)
