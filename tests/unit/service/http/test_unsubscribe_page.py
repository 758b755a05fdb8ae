"""The unsubscribe pages: what a mail says is text there, never markup; what is chosen, preset and said."""

from __future__ import annotations

import re

import pytest

from gateway.consent.opt_outs import Subscription
from gateway.mail.choice import OptOutKind
from service.http.plain_page import POLICY
from service.http.unsubscribe_page import (
    KINDS,
    Choice,
    done_page,
    form_page,
    language_of,
    missing_page,
    unavailable_page,
)

MARKETING, EVENT_BASED = OptOutKind.MARKETING, OptOutKind.EVENT_BASED


def subscription(
    sender: str | None = "Fabrikam", kind: OptOutKind | None = None, *opted_out: OptOutKind, locale: str = "en"
) -> Subscription:
    return Subscription(locale=locale, sender=sender, kind=kind, opted_out=frozenset(opted_out))


@pytest.mark.parametrize("locale", ["en", "de"])
def test_a_senders_name_is_text_not_markup(locale: str) -> None:
    page = form_page(subscription("<b>A&B</b>{kinds}", locale=locale))
    assert "&lt;b&gt;A&amp;B&lt;/b&gt;{kinds}" in page
    assert "<b>" not in page
    assert "None" not in form_page(subscription(None, locale=locale))


def test_a_locale_reaches_a_page_as_one_of_two_languages() -> None:
    locales = ["de", "de_AT", "DE-ch", "en", "fr", "", '"><script>']
    assert [language_of(locale) for locale in locales] == ["de", "de", "de", "en", "en", "en", "en"]
    hostile = '"><script>'
    for page in (
        form_page(subscription(locale=hostile), invalid=True),
        done_page(frozenset(OptOutKind), locale=hostile),
        unavailable_page(hostile),
        missing_page(hostile),
    ):
        assert "<script" not in page
        assert '<html lang="en">' in page


@pytest.mark.parametrize(
    ("kind", "preset"), [(MARKETING, "marketing"), (EVENT_BASED, "event-based"), (None, "marketing")]
)
def test_the_mails_own_kind_is_preset(kind: OptOutKind | None, preset: str) -> None:
    page = form_page(subscription("Fabrikam", kind))
    assert re.findall(r'value="([a-z-]+)"( checked)?', page) == [
        (choice.value, " checked" if choice == preset else "") for choice in Choice
    ]
    assert "already" not in page.lower()
    assert "You get no more" not in page
    assert 'role="alert"' not in page


def test_what_was_chosen_before_and_an_invalid_choice_are_said() -> None:
    page = form_page(subscription("Fabrikam", None, EVENT_BASED, MARKETING), invalid=True)
    assert "You get no more: marketing mail, event-based mail." in page
    assert '<p role="alert">Please choose one of these.</p>' in page
    assert "You get no more: event-based mail." in form_page(subscription("Fabrikam", None, EVENT_BASED))


@pytest.mark.parametrize(
    ("choice", "kinds"),
    [(Choice.MARKETING, {MARKETING}), (Choice.EVENT_BASED, {EVENT_BASED}), (Choice.ALL, {MARKETING, EVENT_BASED})],
)
def test_a_choice_sets_what_it_says(choice: Choice, kinds: set[OptOutKind]) -> None:
    assert KINDS[choice] == kinds
    page = done_page(KINDS[choice])
    assert ("marketing mail" in page, "event-based mail" in page) == (MARKETING in kinds, EVENT_BASED in kinds)


def test_the_policy_allows_the_one_style_and_the_form_only() -> None:
    allowed = r"default-src 'none'; style-src 'sha256-[\w+/=]{44}'; form-action 'self'"
    assert re.fullmatch(f"{allowed}; base-uri 'none'; frame-ancestors 'none'", POLICY)
    for page in (form_page(subscription()), done_page(frozenset()), unavailable_page("de"), missing_page()):
        assert page.count("<style>") == 1
        assert '<meta name="robots" content="noindex">' in page
        assert not re.search(r"<script|\son\w+=|src=|href=", page)
