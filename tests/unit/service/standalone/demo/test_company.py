"""The demo's campaign templates: what a newcomer may do with them."""

from __future__ import annotations

from pathlib import Path

from gateway.templates.publishing import TemplateSource, compile_source
from service.standalone.demo import company


def test_the_spring_letter_can_go_to_a_list_that_brings_no_values() -> None:
    # Given an imported list: addresses and names, and nothing of the template's own fields
    mjml = (Path(company.__file__).parent / "spring-service.mjml").read_text(encoding="utf-8")
    # When the template is published
    compiled = compile_source(TemplateSource(name="Spring service", subject="For {{ customer_name }}", mjml=mjml))
    # Then every field of its own has a default: nobody is left out
    assert {"system", "month", "price"} <= set(compiled.fields)
    assert list(compiled.compiled["required"]) == []
