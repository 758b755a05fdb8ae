"""A campaign's mail made again: the very bytes where the hash fits, else why they are not proved."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from gateway.compose import exact
from gateway.compose.campaign import compose_campaign
from gateway.compose.exact import ExactMail, KeptMail, compose_again
from gateway.compose.headers import COMPOSER_VERSION, Facts
from gateway.deployment import Deployment
from gateway.mail.keys import Keyring
from gateway.mail.mail_content import read_content
from gateway.settings import Settings, parse_secret_key
from gateway.value import value
from tests.builders import KEYRING
from tests.mails import FACTS
from tests.unit.gateway.compose.test_campaign import BOUNCES, EVERYTHING, REPLIES, TRACKING, VALUES

USUAL: dict[str, Any] = {"public_url": FACTS.public_url, "honeypot_link": False}


@value
class Kept:
    """A message's row."""

    mail_date: datetime = FACTS.mail_date
    recipient: str = FACTS.to.address
    recipient_name: str | None = FACTS.to.name
    campaign_id: UUID | None = FACTS.campaign_id
    tracked: bool = True
    token_key_id: str | None = "k1"
    composer_version: int = COMPOSER_VERSION


def sent(facts: Facts = FACTS) -> bytes:
    """What went out."""
    facts = replace(facts, time_zone="UTC")
    return compose_campaign(
        template=EVERYTHING, sender=TRACKING, facts=facts, merge_data=VALUES, keyring=KEYRING
    ).content


def again(
    went_out: bytes | None,
    *,
    kept: Kept | None = None,
    keys: Keyring = KEYRING,
    values: dict[str, str] = VALUES,
    decided: bool = True,
    erased: bool = False,
    **settings: Any,
) -> ExactMail:
    """What is made again under these settings of today."""
    today = Settings.model_construct(**(USUAL | {"bounce_domain": None, "reply_domain": None} | settings))
    mail = KeptMail(
        ref=FACTS.ref,
        facts=kept or Kept(),
        merge_data=values,
        mail_sha256=None if went_out is None else hashlib.sha256(went_out).digest(),
        decided=decided,
        erased=erased,
    )
    return compose_again(
        mail, template=EVERYTHING, sender=TRACKING, deployment=Deployment(settings=today, keyring=keys)
    )


@pytest.mark.parametrize("version", [2, 3, COMPOSER_VERSION])
@pytest.mark.parametrize("tracked", [True, False])
def test_the_very_bytes_are_made_again(version: int, tracked: bool) -> None:
    went_out = sent(replace(FACTS, composer_version=version, tracked=tracked))
    made = again(went_out, kept=Kept(composer_version=version, tracked=tracked))
    assert made == ExactMail(content=went_out)


@pytest.mark.parametrize("honeypot", [True, False])
@pytest.mark.parametrize("domains", [(None, None), (BOUNCES, None), (None, REPLIES), (BOUNCES, REPLIES)])
def test_settings_that_were_set_or_switched_since_are_guessed(
    honeypot: bool, domains: tuple[str | None, str | None]
) -> None:
    before = replace(FACTS, honeypot=honeypot, bounce_domain=domains[0], reply_domain=domains[1])
    made = again(sent(before), bounce_domain=BOUNCES, reply_domain=REPLIES, honeypot_link=True)
    assert made == ExactMail(content=sent(before))


@pytest.mark.parametrize(
    ("why", "given"),
    [
        (exact.NO_OUTCOME, {"went_out": None, "decided": False}),
        (exact.NO_PROOF, {"went_out": None}),
        (exact.OTHER_SETTINGS, {"went_out": sent(), "public_url": "https://new.example"}),
        (exact.OTHER_SETTINGS, {"went_out": sent(), "values": VALUES | {"story": "another"}}),
        (exact.VALUES_ERASED, {"went_out": sent(), "values": {}, "erased": True}),
        (exact.NEWER_COMPOSER.format(version=99), {"went_out": b"x", "kept": Kept(composer_version=99)}),
        (exact.OLDER_COMPOSER.format(version=1), {"went_out": b"x", "kept": Kept(composer_version=1)}),
    ],
)
def test_what_is_not_proved_says_why(why: str, given: dict[str, Any]) -> None:
    made = again(**given)
    assert made.inexact_why == why
    assert read_content(made.content).html is not None


def test_a_key_that_is_gone_leaves_all_but_the_links() -> None:
    # Given a mail whose key was taken off SECRET_KEYS
    other = Keyring([parse_secret_key("k9:" + "A" * 44)])
    made = again(sent(), keys=other)
    # Then it is made with links of the newest key, and says so
    assert made.inexact_why == exact.KEY_GONE.format(key="k1")
    assert b"/u/k9-" in made.content
    # And with nothing to prove it by, that comes first
    assert again(None, keys=other).inexact_why == exact.NO_PROOF


def test_a_mail_without_values_is_exact_when_its_template_shows_none() -> None:
    made = again(sent(), erased=True)
    assert made == ExactMail(content=sent())
