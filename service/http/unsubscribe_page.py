"""The page behind a mail's unsubscribe link: plain accessible HTML without scripts, in English and German."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from html import escape

from gateway.consent.opt_outs import Subscription
from gateway.mail.choice import OptOutKind
from service.http.plain_page import plain_page


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
        missing_title="This link does not work",
        missing="It may be cut off, or too old. Open the mail that it came with and follow the link there, or copy all "
        "of it. You can also answer that mail, for instance to unsubscribe.",
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
        missing_title="Dieser Link führt nirgendwohin",
        missing="Er ist unvollständig oder zu alt. Öffnen Sie die E-Mail, aus der er kommt, und folgen Sie dem Link "
        "dort, oder kopieren Sie ihn ganz. Sie können auch auf die E-Mail antworten, etwa um sich abzumelden.",
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
    return plain_page(
        texts.title,
        f"<p>{escape(asked)}</p>{''.join(notes)}"
        f'<form method="post"><fieldset><legend>{escape(texts.legend)}</legend>{options}</fieldset>'
        f'<button type="submit">{escape(texts.button)}</button></form><p>{escape(texts.unaffected)}</p>',
        language=language,
        firm=subscription.sender,
    )


def done_page(kinds: frozenset[OptOutKind], *, locale: str = "en", sender: str | None = None) -> str:
    """Returns the confirmation, with the opt-outs that were set and the sender's name when it is known."""
    texts = _TEXTS[language_of(locale)]
    text = texts.done.format(kinds=_listed(texts, kinds))
    body = f"<p>{escape(text)}</p><p>{escape(texts.unaffected)}</p>"
    return plain_page(texts.done_title, body, language=language_of(locale), firm=sender)


def unavailable_page(locale: str = "en") -> str:
    """Returns the page for a database that is down: the choice was not saved."""
    texts = _TEXTS[language_of(locale)]
    return plain_page(texts.unavailable_title, f"<p>{escape(texts.unavailable)}</p>", language=language_of(locale))


def missing_page(locale: str = "en") -> str:
    """Returns the 404 page, which says what to do: the same whatever is wrong with the link."""
    texts = _TEXTS[language_of(locale)]
    return plain_page(texts.missing_title, f"<p>{escape(texts.missing)}</p>", language=language_of(locale))


def _listed(texts: _Texts, kinds: frozenset[OptOutKind]) -> str:
    return ", ".join(texts.kinds[kind] for kind in OptOutKind if kind in kinds)
