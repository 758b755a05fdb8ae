"""Previews of campaign templates."""

from __future__ import annotations

from gateway.templates.preview import render_preview
from tests.unit.gateway.compose.test_campaign import EVERYTHING


def test_a_preview_shows_sample_data_or_the_fields_names() -> None:
    assert EVERYTHING.merge is not None
    preview = render_preview(EVERYTHING.merge, {"first_name": "Sam", "own_link": "https://sample.example/"})
    assert preview.subject == "Sam: [story]"
    assert "Hello Sam &amp; all" in preview.html
    assert "mail.fabrikam.example" not in preview.html
    assert "[story]" in preview.text
