"""The addresses of one mail's pixel, tracked links and unsubscribe page."""

from __future__ import annotations

from gateway.compose.headers import Facts
from gateway.mail.keys import Keyring
from gateway.mail.tracking import HONEYPOT_LINK, LinkForm, click_url, open_url, trackable, unsubscribe_url
from gateway.templates.merge_fields import (
    TrackingTag,
)

_FIRST_PLAIN = 3
"""The first composer version with `LinkForm.PLAIN`."""


class TrackedLinks:
    """The addresses of one mail's pixel and links, in the form of its composer version."""

    __slots__ = ("_facts", "_form", "_keyring")

    def __init__(self, facts: Facts, keyring: Keyring) -> None:
        self._facts = facts
        self._keyring = keyring
        self._form = LinkForm.PLAIN if facts.composer_version >= _FIRST_PLAIN else LinkForm.ESCAPED

    def pixel(self) -> str:
        facts = self._facts
        return open_url(self._keyring, facts.public_url, facts.ref, key_id=facts.token_key_id, form=self._form)

    def click(self, number: int, destination: str) -> str:
        facts, form = self._facts, self._form
        if not trackable(destination, form):
            return destination
        return click_url(
            self._keyring, facts.public_url, facts.ref, number, destination, key_id=facts.token_key_id, form=form
        )

    def honeypot(self) -> str | None:
        return self.click(HONEYPOT_LINK, f"{self._facts.public_url}/") if self._facts.honeypot else None

    def of(self, mark: TrackingTag) -> str | None:
        """The address inside a mark; ours need no escaping."""
        return self.pixel() if mark.kind == "pixel" else self.honeypot()

    def unsubscribe(self) -> str:
        facts = self._facts
        return unsubscribe_url(self._keyring, facts.public_url, facts.ref, key_id=facts.token_key_id, form=self._form)
