"""What an author may publish: a source is checked as a whole before anything is written."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Refusal, RefusalCode
from gateway.templates.publishing import TemplateSource, compile_source

SOURCE: dict[str, Any] = {"name": "Spring news", "subject": "Hello {{ first_name }}", "html": "<p>Hi</p>"}
CARD = "4111 1111 1111 1111"
MJML = "<mjml><mj-body><mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section></mj-body></mjml>"


def test_digits_that_nobody_reads_are_no_card_number() -> None:
    digits = CARD.replace(" ", "")
    page = f"<style>.a{digits} {{ color: red }}</style><p id='{digits}' class='a{digits}'>x</p>"
    assert compile_source(TemplateSource(**SOURCE | {"html": page})).fields == ("first_name",)


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
        ({"html": "<p>" + "{{ a }} " * 51}, RefusalCode.TEMPLATE_INVALID, "html"),
        ({"name": f"Card {CARD}"}, RefusalCode.CARD_NUMBER, "name"),
        ({"html": f"<p title='{CARD}'>x</p>"}, RefusalCode.CARD_NUMBER, "html"),
        ({"html": f"<p>x</p><!-- {CARD} -->"}, RefusalCode.CARD_NUMBER, "html"),
        ({"html": f"<div style='display:none'>{CARD}</div><p>x</p>"}, RefusalCode.CARD_NUMBER, "html"),
        ({"html": f"<p aria-label='{{{{ a|default(\"{CARD}\") }}}}'>x</p>"}, RefusalCode.CARD_NUMBER, "html"),
        ({"html": None, "mjml": MJML.format(f"<!-- {CARD} -->x")}, RefusalCode.CARD_NUMBER, "mjml"),
        ({"html": None, "mjml": MJML.format(f'<p title="{CARD}">x</p>')}, RefusalCode.CARD_NUMBER, "mjml"),
        ({"locale": "not a locale"}, RefusalCode.INVALID, "locale"),
    ],
)
def test_a_bad_template_is_refused(changes: dict[str, Any], code: RefusalCode, field: str) -> None:
    with pytest.raises(Refusal) as refused:
        compile_source(TemplateSource(**SOURCE | changes))
    assert (refused.value.code, refused.value.field[0]) == (code, field)
