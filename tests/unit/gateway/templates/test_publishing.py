"""What an author may publish: a source is checked as a whole before anything is written."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Refusal, RefusalCode, Refusals
from gateway.templates.publishing import TemplateSource, compile_source

UNSUBSCRIBE = '<a href="{{ unsubscribe_url }}">unsubscribe</a>'
SOURCE: dict[str, Any] = {"name": "Spring news", "subject": "Hello {{ first_name }}", "html": f"<p>Hi</p>{UNSUBSCRIBE}"}
CARD = "4111 1111 1111 1111"
MJML = "<mjml><mj-body><mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section></mj-body></mjml>"


def test_digits_that_nobody_reads_are_no_card_number() -> None:
    digits = CARD.replace(" ", "")
    page = f"<style>.a{digits} {{ color: red }}</style><p id='{digits}' class='a{digits}'>x</p>{UNSUBSCRIBE}"
    assert compile_source(TemplateSource(**SOURCE | {"html": page})).fields == ("first_name",)


def test_everything_that_is_wrong_with_a_template_is_said_at_once() -> None:
    # Given a template whose name, subject, locale, page and sample data are all wrong
    wrong = {"name": " ", "subject": "a\nb", "locale": "?", "html": "{% if %}", "sample_data": {"a": CARD}}
    with pytest.raises(Refusals) as refused:
        compile_source(TemplateSource(**SOURCE | wrong))
    assert [(one.code, one.field[0]) for one in refused.value.refusals] == [
        (RefusalCode.REQUIRED, "name"),
        (RefusalCode.HEADER_INJECTION, "subject"),
        (RefusalCode.INVALID, "locale"),
        (RefusalCode.CARD_NUMBER, "sampleData"),
        (RefusalCode.TEMPLATE_INVALID, "html"),
    ]
    # And one that compiles is looked through to its end
    with pytest.raises(Refusals) as shown:
        compile_source(TemplateSource(**SOURCE | {"html": f"<p>{CARD}</p>"}))
    assert [(one.code, one.field) for one in shown.value.refusals] == [
        (RefusalCode.UNSUBSCRIBE_MISSING, ("html",)),
        (RefusalCode.CARD_NUMBER, ("html",)),
    ]


def test_sample_data_has_values_of_the_customer() -> None:
    page = "<p>{{ customer.name }} {{ customer.attributes.city }} {{ customer.attributes.plan }}</p>"
    sample = {"customer.name": "Kim", "customer.attributes.city": "Bonn", "first_name": "Sam"}
    made = compile_source(TemplateSource(**SOURCE | {"html": page + UNSUBSCRIBE, "sample_data": sample}))
    assert made.fields == ("first_name", "customer.attributes.city", "customer.attributes.plan")
    assert "Kim Bonn [customer.attributes.plan]" in made.preview.html
    for name in ("customer.email", "customer.attributes", "customer.attributes.a.b", "customer"):
        with pytest.raises(Refusal) as refused:
            compile_source(TemplateSource(**SOURCE | {"sample_data": {name: {"name": "x"}}}))
        assert refused.value.code is RefusalCode.INVALID


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"name": ""}, RefusalCode.REQUIRED, "name"),
        ({"name": "builtin.x"}, RefusalCode.CONFLICT, "name"),
        ({"name": "x" * 256}, RefusalCode.TOO_LONG, "name"),
        ({"subject": "a\nb"}, RefusalCode.HEADER_INJECTION, "subject"),
        ({"subject": " "}, RefusalCode.REQUIRED, "subject"),
        ({"html": None}, RefusalCode.REQUIRED, "mjml"),
        ({"mjml": "<mjml></mjml>"}, RefusalCode.REQUIRED, "mjml"),
        ({"html": "{% if %}"}, RefusalCode.TEMPLATE_INVALID, "html"),
        ({"html": "<p>" + "{{ a }} " * 51 + UNSUBSCRIBE}, RefusalCode.TEMPLATE_INVALID, "html"),
        ({"sample_data": {"a": "4111111111111111"}}, RefusalCode.CARD_NUMBER, "sampleData"),
        ({"name": f"Card {CARD}"}, RefusalCode.CARD_NUMBER, "name"),
        ({"html": f"<p title='{CARD}'>x</p>{UNSUBSCRIBE}"}, RefusalCode.CARD_NUMBER, "html"),
        ({"html": f"<p>{UNSUBSCRIBE}</p><!-- {CARD} -->"}, RefusalCode.CARD_NUMBER, "html"),
        ({"html": f"<div style='display:none'>{CARD}</div>{UNSUBSCRIBE}"}, RefusalCode.CARD_NUMBER, "html"),
        (
            {"html": f"<p title='{{{{ a|default(\"{CARD}\") }}}}'>{UNSUBSCRIBE}</p>"},
            RefusalCode.CARD_NUMBER,
            "html",
        ),
        ({"html": None, "mjml": MJML.format(f"<!-- {CARD} -->{UNSUBSCRIBE}")}, RefusalCode.CARD_NUMBER, "mjml"),
        ({"html": None, "mjml": MJML.format(f'<p title="{CARD}">{UNSUBSCRIBE}</p>')}, RefusalCode.CARD_NUMBER, "mjml"),
        ({"locale": "not a locale"}, RefusalCode.INVALID, "locale"),
        ({"html": "<p>Hello</p>"}, RefusalCode.UNSUBSCRIBE_MISSING, "html"),
        ({"html": None, "mjml": MJML.format("Hello")}, RefusalCode.UNSUBSCRIBE_MISSING, "mjml"),
        (
            {"html": "<p>x</p>{{ postal_address }}", "text": "bye {{ unsubscribe_url }} {{ postal_address }}"},
            RefusalCode.UNSUBSCRIBE_MISSING,
            "html",
        ),
    ],
)
def test_a_bad_template_is_refused(changes: dict[str, Any], code: RefusalCode, field: str) -> None:
    with pytest.raises(Refusal) as refused:
        compile_source(TemplateSource(**SOURCE | changes))
    assert (refused.value.code, refused.value.field[0]) == (code, field)
