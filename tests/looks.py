"""The screens and themes that a page is looked at in: the two ends of them in `make test`, all in a proof."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal, TypeAlias

from playwright.async_api import Page, ViewportSize

from tests.browsing import DESKTOP, PHONE
from tests.examples import proving

Theme: TypeAlias = Literal["light", "dark"]
TABLET: ViewportSize = {"width": 768, "height": 1024}
THEMES: tuple[Theme, ...] = ("dark", "light")


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """A screen and a theme."""

    size: ViewportSize
    theme: Theme

    def __str__(self) -> str:
        return f"{self.size['width']}-{self.theme}"

    @property
    def phone(self) -> bool:
        """Whether it is touched."""
        return self.size == PHONE

    async def apply(self, page: Page) -> None:
        """Show an open page so, its animations finished."""
        await page.set_viewport_size(self.size)
        await page.emulate_media(color_scheme=self.theme, reduced_motion="reduce")


_ENDS = (Look(size=PHONE, theme="dark"), Look(size=DESKTOP, theme="light"))
_EVERY = tuple(Look(size=size, theme=theme) for size, theme in itertools.product((PHONE, TABLET, DESKTOP), THEMES))
LOOKS = _EVERY if proving() else _ENDS
"""The last is the desktop in the light, which tests go on in."""
