"""The page behind a mail's unsubscribe link: plain accessible HTML without scripts, in English and German."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from html import escape

from gateway.consent.opt_outs import Subscription
from gateway.mail.choice import OptOutKind


class Choice(StrEnum):
    """The reader's choice of what to unsubscribe from."""

    MARKETING = "marketing"
    EVENT_BASED = "event-based"
    ALL = "all"


KINDS: Mapping[Choice, frozenset[OptOutKind]] = {
    Choice.MARKETING: frozenset({OptOutKind.MARKETING}),
    Choice.EVENT_BASED: frozenset({OptOutKind.EVENT_BASED}),
    Choice.ALL: frozenset(OptOutKind),
}
"""The opt-outs of each choice."""

_STYLE = (
    ":root{color-scheme:light dark}body{font:1.125rem/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;"
    "padding:0 1rem}fieldset{border:1px solid;border-radius:.5rem;padding:1rem;margin:0 0 1rem}label{display:flex;"
    "align-items:baseline;gap:.6rem;padding:.5rem 0}button{font:inherit;padding:.6rem 1.2rem;cursor:pointer}"
)
_STYLE_SHA256 = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_SHA256}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of these pages: their one style and their form, nothing else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Texts:
    """The page's texts in one language."""

    title: str
    ask: str
    ask_unnamed: str
    legend: str
    choices: Mapping[Choice, str]
    button: str
    already: str
    kinds: Mapping[OptOutKind, str]
    unaffected: str
    done_title: str
    done: str
    invalid_choice: str
    unavailable_title: str
    unavailable: str
    missing_title: str
    missing: str


_TEXTS = {
    "en": _Texts(
        title="Unsubscribe",
        ask="Which mail from {sender} do you no longer want at this address?",
        ask_unnamed="Which mail do you no longer want at this address?",
        legend="I no longer want",
        choices={
            Choice.MARKETING: "Marketing mail: news and offers",
            Choice.EVENT_BASED: "Event-based mail: sent because something happened",
            Choice.ALL: "Both of these",
        },
        button="Unsubscribe",
        already="You get no more: {kinds}.",
        kinds={OptOutKind.MARKETING: "marketing mail", OptOutKind.EVENT_BASED: "event-based mail"},
        unaffected="Mail about your own appointments, documents and payments is not affected.",
        done_title="You are unsubscribed",
        done="From now on you get no more at this address: {kinds}. You may close this page.",
        invalid_choice="Please choose one of these.",
        unavailable_title="Please try again in a moment",
        unavailable="Your choice could not be saved. Nothing has changed yet.",
        missing_title="Nothing here",
        missing="There is nothing at this address.",
    ),
    "de": _Texts(
        title="Abmelden",
        ask="Welche E-Mails von {sender} möchten Sie an diese Adresse nicht mehr bekommen?",
        ask_unnamed="Welche E-Mails möchten Sie an diese Adresse nicht mehr bekommen?",
        legend="Ich möchte nicht mehr bekommen",
        choices={
            Choice.MARKETING: "Werbung: Neuigkeiten und Angebote",
            Choice.EVENT_BASED: "Mails aus bestimmtem Anlass",
            Choice.ALL: "Beides",
        },
        button="Abmelden",
        already="Sie bekommen nicht mehr: {kinds}.",
        kinds={OptOutKind.MARKETING: "Werbung", OptOutKind.EVENT_BASED: "Mails aus bestimmtem Anlass"},
        unaffected="E-Mails zu Ihren eigenen Terminen, Dokumenten und Zahlungen sind davon nicht betroffen.",
        done_title="Sie sind abgemeldet",
        done="An diese Adresse bekommen Sie ab jetzt nicht mehr: {kinds}. Sie können diese Seite schließen.",
        invalid_choice="Bitte wählen Sie etwas davon aus.",
        unavailable_title="Bitte versuchen Sie es gleich noch einmal",
        unavailable="Ihre Wahl konnte nicht gespeichert werden. Es hat sich noch nichts geändert.",
        missing_title="Hier ist nichts",
        missing="Unter dieser Adresse gibt es nichts.",
    ),
}


def language_of(locale: str) -> str:
    """Returns the language of these pages for a BCP 47 locale; English when there is no translation."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    return language if language in _TEXTS else "en"


def form_page(subscription: Subscription, *, invalid: bool = False) -> str:
    """Returns the form, which posts to its own address; `invalid` adds that no valid choice was sent."""
    language = language_of(subscription.locale)
    texts = _TEXTS[language]
    asked = texts.ask.format(sender=subscription.sender) if subscription.sender else texts.ask_unnamed
    preset = Choice.EVENT_BASED if subscription.kind is OptOutKind.EVENT_BASED else Choice.MARKETING
    options = "".join(
        f'<label><input type="radio" name="choice" value="{choice}"{" checked" if choice is preset else ""}> '
        f"{escape(texts.choices[choice])}</label>"
        for choice in Choice
    )
    notes = [f'<p role="alert">{escape(texts.invalid_choice)}</p>'] if invalid else []
    if subscription.opted_out:
        notes.append(f"<p>{escape(texts.already.format(kinds=_listed(texts, subscription.opted_out)))}</p>")
    return _page(
        language,
        texts.title,
        f"<p>{escape(asked)}</p>{''.join(notes)}"
        f'<form method="post"><fieldset><legend>{escape(texts.legend)}</legend>{options}</fieldset>'
        f'<button type="submit">{escape(texts.button)}</button></form><p>{escape(texts.unaffected)}</p>',
    )


def done_page(kinds: frozenset[OptOutKind], *, locale: str = "en") -> str:
    """Returns the confirmation, with the opt-outs that were set."""
    texts = _TEXTS[language_of(locale)]
    text = texts.done.format(kinds=_listed(texts, kinds))
    return _page(language_of(locale), texts.done_title, f"<p>{escape(text)}</p><p>{escape(texts.unaffected)}</p>")


def unavailable_page(locale: str = "en") -> str:
    """Returns the page for a database that is down: the choice was not saved."""
    texts = _TEXTS[language_of(locale)]
    return _page(language_of(locale), texts.unavailable_title, f"<p>{escape(texts.unavailable)}</p>")


def missing_page(locale: str = "en") -> str:
    """Returns the 404 page: the same whatever is wrong with the link."""
    texts = _TEXTS[language_of(locale)]
    return _page(language_of(locale), texts.missing_title, f"<p>{escape(texts.missing)}</p>")


def _listed(texts: _Texts, kinds: frozenset[OptOutKind]) -> str:
    return ", ".join(texts.kinds[kind] for kind in OptOutKind if kind in kinds)


def _page(language: str, title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>\n"
    )
