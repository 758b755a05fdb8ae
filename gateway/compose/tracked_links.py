"""The addresses of one mail's pixel, tracked links and unsubscribe page."""

from __future__ import annotations

from gateway.compose.headers import Facts
from gateway.mail.keys import Keyring
from gateway.mail.tracking import HONEYPOT_LINK, LinkForm, click_url, open_url, trackable, unsubscribe_url
from gateway.templates.merge_fields import TrackingTag

_FIRST_PLAIN = 3
"""The first composer version with `LinkForm.PLAIN`."""


class TrackedLinks:
    """Makes one mail's signed addresses, in the form of its composer version. They are ASCII and need no escaping in
    HTML."""

    __slots__ = ("_facts", "_form", "_keyring")

    def __init__(self, facts: Facts, keyring: Keyring) -> None:
        self._facts = facts
        self._keyring = keyring
        self._form = LinkForm.PLAIN if facts.composer_version >= _FIRST_PLAIN else LinkForm.ESCAPED

    def pixel(self) -> str:
        """The pixel's address."""
        facts = self._facts
        return open_url(self._keyring, facts.public_url, facts.ref, key_id=facts.token_key_id, form=self._form)

    def click(self, number: int, destination: str) -> str:
        """The address that counts a click and leads to `destination`; the destination itself when not trackable."""
        facts, form = self._facts, self._form
        if not trackable(destination, form):
            return destination
        return click_url(
            self._keyring, facts.public_url, facts.ref, number, destination, key_id=facts.token_key_id, form=form
        )

    def honeypot(self) -> str | None:
        """The address of the link that no person sees; None when mail is to have none."""
        return self.click(HONEYPOT_LINK, f"{self._facts.public_url}/") if self._facts.honeypot else None

    def of(self, tag: TrackingTag) -> str | None:
        """The address inside a tracking tag; None when the mail is to have no such tag."""
        return self.pixel() if tag.kind == "pixel" else self.honeypot()

    def unsubscribe(self) -> str:
        """The address of the unsubscribe page."""
        facts = self._facts
        return unsubscribe_url(self._keyring, facts.public_url, facts.ref, key_id=facts.token_key_id, form=self._form)
