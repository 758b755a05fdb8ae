"""The second net of verdicts: refusals in a row that say the same, whatever the words, stop a relay or destination
until a person has looked. One wrong setting or one misread reply must not burn a whole campaign.

The runs lie in PostgreSQL (`refusal_run`) and count for all workers together. Refusals are rare, so counting them costs
a statement; acceptances end runs within the statement that records them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.database import QUERIES, Connection
from gateway.mail.response import Stage
from gateway.outbox.relay_limits import RelayEventKind
from gateway.telemetry.metrics import REFUSAL_STOPS

log = logging.getLogger(__name__)

RELAY_DOMAINS = 3
"""Domains whose mail is refused in the same words until that is the relay's matter: two may share a provider."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """One refusal by a relay of mail to a domain; `words` as `gateway.mail.refusal_words` makes them. `for_relay`,
    `for_domain`: whether it counts there, for nothing was accepted since."""

    relay: str
    domain: str
    words: str
    address_key: bytes
    stage: str
    code: int
    for_relay: bool
    for_domain: bool

    def places(self) -> list[tuple[bool, str]]:
        """Where it counts: whether that is a relay, and its name or the domain."""
        return [(True, self.relay)] * self.for_relay + [(False, self.domain)] * self.for_domain


async def stop_after_refusals(connection: Connection, refused: Sequence[Refused], *, enough: int) -> list[str]:
    """Count refusals; stop each relay and destination with `enough` different addresses refused in the same words and
    nothing accepted between. Returns the relays that are stopped for that, also where another worker stopped them."""
    places = [(refusal, of_relay, place) for refusal in refused for of_relay, place in refusal.places() if place]
    if not places:
        return []
    runs = [
        run
        async for run in QUERIES.note_refusals(
            connection,
            of_relays=[of_relay for _, of_relay, _ in places],
            places=[place for _, _, place in places],
            words=[refusal.words for refusal, _, _ in places],
            address_keys=[refusal.address_key for refusal, _, _ in places],
            domains=[refusal.domain for refusal, _, _ in places],
            enough=enough,
            enough_domains=RELAY_DOMAINS,
        )
    ]
    long = [
        run for run in runs if run["addresses"] >= enough and (not run["of_relay"] or run["domains"] >= RELAY_DOMAINS)
    ]
    for run in long:
        same = next(one for one, of_relay, place in places if (of_relay, place, one.words) == _key(run))
        await _stop(connection, run, same, enough=enough)
    return sorted({run["place"] for run in long if run["of_relay"]})


def _key(run: Any) -> tuple[bool, str, str]:
    return run["of_relay"], run["place"], run["words"]


async def _stop(connection: Connection, run: Any, last: Refused, *, enough: int) -> None:
    """Stop a relay or destination, with the words; nothing where it is stopped already."""
    of_relay = run["of_relay"]
    to = "to several domains" if of_relay else "there"
    why = f"{enough} different addresses {to} were refused in the same words, none accepted between: {last.words}"
    async with connection.transaction():
        if of_relay:
            stopped = await QUERIES.stop_relay(connection, name=last.relay, why=why)
        else:
            stopped = await QUERIES.stop_destination(connection, domain=last.domain, why=why)
        if stopped is None:
            return
        await QUERIES.insert_relay_event(
            connection,
            relay=last.relay,
            domain=None if of_relay else last.domain,
            kind=RelayEventKind.STOPPED,
            stage=Stage(last.stage),
            code=last.code,
            response=last.words,
            until=None,
            actor=None,
        )
    REFUSAL_STOPS.labels("relay" if of_relay else "destination").inc()
    place = f"relay {last.relay}" if of_relay else f"a destination behind relay {last.relay}"
    log.warning("%s: stopped until a person resumes it, %d refusals in the same words", place, enough)
