"""The templates that come with us, for letters to one customer: files under `letters/`, compiled when published.

    letters/<kind>/<locale>/subject.txt body.mjml body.txt      one letter's words
    letters/parts/[<locale>/]*                                  what letters share; the frame is frame.mjml, frame.txt

A file takes in another by `{% include "name" %}`, looked for in its own directory, then in parts/<locale>, then in
parts. Values are put in by jinja2 in a sandbox; MJML and CSS were dealt with before, at publishing.
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
from gateway.templates.localization import Words, read_locale, words_of_card, words_of_e_signature, words_of_work_order
from gateway.templates.mjml import compile_mjml, hide, inline_css, show

PREFIX = "builtin."
"""Names of built-in templates start with it; users' names may not."""

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
    """A built-in template compiled: jinja2 sources, the page's MJML and CSS already dealt with."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LetterSource:
    """A built-in template as its files have it, other files taken in."""

    source_type: SourceType
    kind: str
    locale: str
    subject: str
    mjml: str
    text: str

    def as_json(self) -> dict[str, str]:
        """For the ledger, and to tell whether anything changed."""
        return {"subject": self.subject, "mjml": self.mjml, "text": self.text}


def template_name(letter: Letter, locale: str) -> str:
    """`builtin.work-order.created.en`."""
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
            for home in sorted(path for path in directory.iterdir() if path.is_dir()):
                sources[_name(source_type, kind.value, home.name)] = _read_source(source_type, kind.value, home)
    return sources


def _read_source(source_type: SourceType, kind: str, home: Path) -> LetterSource:
    return LetterSource(
        source_type=source_type,
        kind=kind,
        locale=home.name,
        subject=_taken_in("subject.txt", home).strip(),
        mjml=_taken_in("frame.mjml", home),
        text=_taken_in("frame.txt", home),
    )


def _taken_in(name: str, home: Path, depth: int = 0) -> str:
    if depth > 5:
        raise ValueError(f"{name} includes itself")
    places = (home, _LETTERS / "parts" / home.name, _LETTERS / "parts")
    found = next((place / name for place in places if (place / name).is_file()), None)
    if found is None:
        raise ValueError(f"{home}: there is no {name}")
    return _INCLUDE.sub(lambda match: _taken_in(match.group(1), home, depth + 1), found.read_text(encoding="utf-8"))


def compile_source(source: LetterSource) -> LetterParts:
    """MJML compiled and CSS inlined around the template code."""
    hidden, code = hide(source.mjml, _CODE)
    page = compile_mjml(hidden, ("mjml",))
    return LetterParts(subject=source.subject, html=show(inline_css(page, ("mjml",)), code), text=source.text)


def preview(source: LetterSource, parts: LetterParts) -> tuple[str, str, str]:
    """(subject, html, text) with sample data."""
    words = {
        "customer_name": "Alex Sample",
        "sender_name": "Sample Installers",
        "signature": "Sam Sample\nSample Installers",
        "postal_address": "1 Sample Street, Sampletown",
        "locale": source.locale,
    }
    return fill(parts, words | words_of(sample_letter(source.source_type, source.kind), source.locale, "Europe/Berlin"))


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


def words_of(letter: Letter, locale: str, time_zone: str) -> Words:
    """What the templates of this letter may say, in the customer's locale and zone."""
    spoken = read_locale(locale)
    match letter:
        case WorkOrderLetter():
            return words_of_work_order(letter, spoken)
        case ESignatureLetter():
            return words_of_e_signature(letter, spoken, time_zone)
        case CardLetter():
            return words_of_card(letter, spoken)


def fill(parts: LetterParts, words: Mapping[str, str]) -> tuple[str, str, str]:
    """(subject, html, text) of one letter. The subject is one line."""
    subject = " ".join(_template(parts.subject, False).render(words).split())
    html = _template(parts.html, True).render(words, subject=subject)
    text = _template(parts.text, False).render(words)
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
