"""A mail without our tracking is what its author's template gives; links that only look like ours stay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.compose.campaign import compose_campaign
from gateway.compose.headers import COMPOSER_VERSION
from gateway.mail.keys import Keyring
from gateway.mail.mail_content import MailContent, read_content
from gateway.mail.tracking import LinkForm, click_url, open_url
from gateway.mail.untracked import untracked_html, untracked_text
from gateway.settings import parse_secret_key
from tests.builders import KEYRING
from tests.mails import FACTS, SENDER, composed
from tests.unit.gateway.compose.test_campaign import EVERYTHING, VALUES
from tests.unit.gateway.compose.test_individual import WORK_ORDER

OTHER_KEYS = Keyring([parse_secret_key("k9:" + "A" * 44)])
OURS = FACTS.public_url
TARGET = "https://shop.example/?a=1&b=ü"


def untracked(said: MailContent, keys: Keyring = KEYRING) -> tuple[str, str]:
    assert said.html is not None
    assert said.text is not None
    return untracked_html(said.html, keys, OURS), untracked_text(said.text, keys, OURS)


def campaign(*, tracked: bool, version: int, honeypot: bool) -> MailContent:
    facts = replace(FACTS, tracked=tracked, composer_version=version, honeypot=honeypot)
    mail = compose_campaign(template=EVERYTHING, sender=SENDER, facts=facts, merge_data=VALUES, keyring=KEYRING)
    return read_content(mail.content)


@pytest.mark.parametrize("keys", [KEYRING, OTHER_KEYS], ids=["key listed", "key gone"])
@pytest.mark.parametrize("honeypot", [True, False])
@pytest.mark.parametrize("version", [2, 3, COMPOSER_VERSION])
def test_a_campaigns_mail_without_tracking_is_what_is_composed_untracked(
    version: int, honeypot: bool, keys: Keyring
) -> None:
    tracked = campaign(tracked=True, version=version, honeypot=honeypot)
    plain = campaign(tracked=False, version=version, honeypot=honeypot)
    assert untracked(tracked, keys) == (plain.html, plain.text) != (tracked.html, tracked.text)


@pytest.mark.parametrize("honeypot", [True, False])
def test_a_work_orders_mail_leads_to_its_own_links(honeypot: bool) -> None:
    tracked = read_content(composed(WORK_ORDER, tracked=True, honeypot=honeypot).content)
    plain = read_content(composed(WORK_ORDER, tracked=False).content)
    assert untracked(tracked) == (plain.html, plain.text) != (tracked.html, tracked.text)


@pytest.mark.parametrize("form", LinkForm)
def test_our_links_are_known_wherever_they_were_made_and_quoted(form: LinkForm) -> None:
    # Given a reply to mail of an earlier PUBLIC_URL, in which a mail client wrote our links its own way
    click = click_url(KEYRING, "https://old.example", FACTS.ref, 1, TARGET, form=form)
    pixel = open_url(KEYRING, "https://old.example", FACTS.ref, form=form)
    html = f"<a class=x href='{click}'>go</a><IMG height=1 src='{pixel}' alt=''>{click}"
    # Then they lead where they led, and the pixel is fetched from nowhere
    shown = "https://shop.example/?a=1&amp;b=ü"
    assert untracked_html(html, KEYRING, OURS) == (
        f"<a class=x href='{shown}'>go</a><IMG height=1 src='' alt=''>{shown}"
    )
    assert untracked_text(f"See {click}.", KEYRING, OURS) == f"See {TARGET}."


@pytest.mark.parametrize(
    "link",
    [
        click_url(KEYRING, "https://old.example", FACTS.ref, 1, TARGET).replace("/k1-", "/k1-B"),
        click_url(KEYRING, OURS, FACTS.ref, 1, TARGET)[:-4],
        click_url(OTHER_KEYS, "https://else.example", FACTS.ref, 1, TARGET),
        open_url(OTHER_KEYS, "https://else.example", FACTS.ref),
        f"{OURS}/c/k1-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/%%%",
        f"{OURS}/u/k1-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ],
)
def test_what_is_not_proved_ours_stays(link: str) -> None:
    html = f'<a href="{link}" style="display:none"></a><img src="{link}">'
    assert untracked_html(html, KEYRING, OURS) == html
    assert untracked_text(link, KEYRING, OURS) == link
