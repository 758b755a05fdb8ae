"""Tells a failing relay or destination from a failing mail: several different mails have to fail in a row."""

from __future__ import annotations

from uuid import UUID

RELAY_MAILS = 10
"""Different mails that fail in a row until a relay counts as failing: above what the odd mails of one campaign make,
and a few seconds' worth where everything fails."""
DOMAIN_MAILS = 3
"""The same of a destination domain: less mail goes there, and asking again too soon is held against us."""
MAX_PLACES = 10_000
"""Relays and domains remembered: beyond that all are forgotten, and pauses come a few mails later."""


class FailingMails:
    """The mails that failed at each relay and domain since one went through there."""

    def __init__(self) -> None:
        self._relays: dict[str, set[UUID]] = {}
        self._domains: dict[str, set[UUID]] = {}

    def relay_fails(self, name: str, message_id: UUID) -> bool:
        """Note a mail that failed at a relay. Returns whether the relay is failing, and not only this mail."""
        return _note(self._relays, name, message_id, RELAY_MAILS)

    def domain_fails(self, domain: str, message_id: UUID) -> bool:
        """The same of a destination domain."""
        return _note(self._domains, domain, message_id, DOMAIN_MAILS)

    def reset(self, *, relay: str, domain: str) -> None:
        """Start counting anew: a mail got its own response, or both are paused by now."""
        if self._relays:
            self._relays.pop(relay, None)
        if self._domains:
            self._domains.pop(domain, None)


def _note(places: dict[str, set[UUID]], place: str, message_id: UUID, enough: int) -> bool:
    if len(places) >= MAX_PLACES:
        places.clear()
    mails = places.setdefault(place, set())
    if len(mails) < enough:
        mails.add(message_id)
    return len(mails) >= enough
