"""Card numbers that come together only when a template is filled in."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Refusal, RefusalCode
from gateway.templates.card_numbers import (
    MAX_FIELDS_IN_A_RUN,
    MAX_FIELDS_IN_RUNS,
    field_runs,
    refuse_card_number_across_fields,
    refuse_long_field_runs,
)
from tests.mails import campaign_template

HALVES = {"x": "11111111", "y": "41111111"}


def refused(**source: Any) -> Refusal | None:
    """What a template says to these halves."""
    parts = campaign_template(**source).merge
    assert parts is not None
    try:
        refuse_card_number_across_fields(field_runs(parts), HALVES, ("mergeData",))
    except Refusal as refusal:
        return refusal
    return None


@pytest.mark.parametrize(
    "source",
    [{"html": "<p>41111111{{ x }}</p>"}, {"html": "<p>{{ y }}-<b>{{ x }}</b></p>"}, {"html": "<p>{{ y }}11111111"},
     {"html": "<p>4111 <i>1111</i> {{ x|default('0') }}</p>", "text": "x"},
     {"html": "<p title='4111 1111 {{ x }}'>x</p>", "text": "x"},
     {"html": "<p>x</p><!-- {{ y }}{{ x }} -->", "text": "x"},
     {"html": "<p>x</p>", "text": "no. 41111111\u200b{{ x }}."}, {"html": "<p>x</p>", "subject": "{{ y }} {{ x }}"},
     {"html": "<p>x</p>", "text": "{{ z|default('4111') }}1111{{ x }}"}],
)  # fmt: skip
def test_halves_that_meet_are_refused(source: dict[str, str]) -> None:
    refusal = refused(**source)
    assert refusal is not None
    assert (refusal.code, refusal.field) == (RefusalCode.CARD_NUMBER, ("mergeData",))


@pytest.mark.parametrize(
    "source",
    [{"html": "<p>Order {{ y }} of {{ x }}</p>"}, {"html": "<p>41111111</p><p>{{ x }}</p>"},
     {"html": "<p>41111111{{ customer_name }}{{ x }}</p>"}, {"html": "<p>x</p>", "text": "{{ y }}\n{{ x }}"},
     {"html": "<a href='https://x.example/41111111{{ x }}'>x</a>"}],
)  # fmt: skip
def test_halves_apart_are_let_through(source: dict[str, str]) -> None:
    assert refused(**source) is None


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("1111-1111" + " x" * 2000, "x " * 2000 + "4111-1111"),
        ("-" * 3000 + "1-1-1-1-1-1-1-1", "4   1   1   1   1---1---1---1" + "\u200b" * 3000),
        ("1111 1111", "4" + "-" * 4000 + "1111" + " " * 4000 + "111"),
    ],
)
def test_a_number_is_found_however_long_the_values_it_lies_in(x: str, y: str) -> None:
    parts = campaign_template(html="<p>{{ y }} {{ x }}</p>", text="x").merge
    assert parts is not None
    with pytest.raises(Refusal):
        refuse_card_number_across_fields(field_runs(parts), {"x": x, "y": y}, ("mergeData",))
    # And what is far from where the values meet is not, which was checked alone
    refuse_card_number_across_fields(field_runs(parts), {"x": "x" + x, "y": y}, ("mergeData",))


def test_most_templates_have_nothing_to_fill_in() -> None:
    parts = campaign_template(subject="Hello {{ a }}", html="<p>In 2026, {{ a }}: {{ b }}.</p>").merge
    assert parts is not None
    assert field_runs(parts) == frozenset()


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("<p>" + "{{ a }} " * MAX_FIELDS_IN_A_RUN, None),
        ("<p>" + "{{ a }} " * (MAX_FIELDS_IN_A_RUN + 1), f"More than {MAX_FIELDS_IN_A_RUN} fields"),
        ("<p>" + "{{ a }} in " * 20_000, None),
        (
            "".join(f"<p>{n}{{{{ a }}}}</p>" for n in range(MAX_FIELDS_IN_RUNS + 1)),
            f"More than {MAX_FIELDS_IN_RUNS:,} fields",
        ),
    ],
)
def test_a_template_that_is_slow_to_check_with_every_recipient_is_refused(page: str, says: str | None) -> None:
    parts = campaign_template(html=page, text="x").merge
    assert parts is not None
    if says is None:
        refuse_long_field_runs(parts, ("html",))
        return
    with pytest.raises(Refusal) as refused:
        refuse_long_field_runs(parts, ("html",))
    assert (refused.value.code, refused.value.field) == (RefusalCode.TEMPLATE_INVALID, ("html",))
    assert says in refused.value.message
