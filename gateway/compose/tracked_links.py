"""The addresses of a mail's pixel, tracked links and unsubscribe page."""

from __future__ import annotations

from gateway.compose.headers import Facts
from gateway.mail.keys import Keyring
from gateway.mail.tracking import HONEYPOT_LINK, LinkForm, UrlOf, click_urls, open_urls, trackable, unsubscribe_urls
from gateway.templates.merge_fields import TrackingTag

_FIRST_PLAIN = 3
"""The first composer version with `LinkForm.PLAIN`."""


class TrackedLinks:
    """Makes signed addresses, in the form of a mail's composer version. They are ASCII and need no escaping in HTML.

    What a singular name makes is for the message of `facts`; what a plural name makes serves every message that shares
    their public URL, token key and composer version.
    """

    __slots__ = ("_facts", "_form", "_keyring")

    def __init__(self, facts: Facts, keyring: Keyring) -> None:
        self._facts = facts
        self._keyring = keyring
        self._form = LinkForm.PLAIN if facts.composer_version >= _FIRST_PLAIN else LinkForm.ESCAPED

    def pixels(self) -> UrlOf:
        """Makes pixels' addresses."""
        facts = self._facts
        return open_urls(self._keyring, facts.public_url, key_id=facts.token_key_id, form=self._form)

    def pixel(self) -> str:
        """The pixel's address."""
        return self.pixels()(self._facts.ref)

    def clicks(self, number: int, destination: str) -> UrlOf:
        """Makes addresses that count a click and lead to `destination`; the destination itself when not trackable."""
        facts, form = self._facts, self._form
        if not trackable(destination, form):
            return lambda _: destination
        return click_urls(self._keyring, facts.public_url, number, destination, key_id=facts.token_key_id, form=form)

    def click(self, number: int, destination: str) -> str:
        """The address that counts a click and leads to `destination`; the destination itself when not trackable."""
        return self.clicks(number, destination)(self._facts.ref)

    def honeypots(self) -> UrlOf | None:
        """Makes addresses of the link that no person sees; None when mail is to have none."""
        return self.clicks(HONEYPOT_LINK, f"{self._facts.public_url}/") if self._facts.honeypot else None

    def honeypot(self) -> str | None:
        """The address of the link that no person sees; None when mail is to have none."""
        honeypots = self.honeypots()
        return honeypots and honeypots(self._facts.ref)

    def of(self, tag: TrackingTag) -> UrlOf | None:
        """Makes the address inside a tracking tag; None when mail is to have no such tag."""
        return self.pixels() if tag.kind == "pixel" else self.honeypots()

    def unsubscribes(self) -> UrlOf:
        """Makes addresses of the unsubscribe page."""
        facts = self._facts
        return unsubscribe_urls(self._keyring, facts.public_url, key_id=facts.token_key_id, form=self._form)

    def unsubscribe(self) -> str:
        """The address of the unsubscribe page."""
        return self.unsubscribes()(self._facts.ref)
