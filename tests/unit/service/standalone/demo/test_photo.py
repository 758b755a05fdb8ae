"""The demo's photo is a picture, small, and always the same."""

from __future__ import annotations

from service.standalone.demo.photo import photo_png


def test_the_photo_is_a_small_png() -> None:
    assert photo_png() == photo_png()
    assert photo_png().startswith(b"\x89PNG\r\n\x1a\n")
    assert len(photo_png()) < 10_000
