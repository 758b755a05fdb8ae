"""When `make run` takes mail that comes back, and what it says of it."""

from __future__ import annotations

from service.standalone.mail_listener import (
    DEMO_SETTINGS,
    demo_settings,
    listener_environment,
    listener_words,
    takes_mail,
)


def test_beside_the_demo_relay_mail_comes_back_to_the_demo_firm() -> None:
    made = demo_settings({}, lambda: 40123)
    assert made == {**DEMO_SETTINGS, "INBOUND_SMTP": "40123"}
    assert takes_mail(made)
    assert listener_words(made) == ("by INBOUND_SMTP=40123, for bounce.northlight.example and reply.northlight.example")
    assert demo_settings({"INBOUND_SMTP": "2525"}, lambda: 40123)["INBOUND_SMTP"] == "2525"
    assert demo_settings({"INBOUND_SMTP": "0"}, lambda: 40123)["INBOUND_SMTP"] == "40123"


def test_without_settings_nothing_is_taken_and_the_terminal_says_what_that_means() -> None:
    assert not takes_mail({})
    assert not takes_mail({"BOUNCE_DOMAIN": "bounce.fabrikam.com"})
    assert not takes_mail({"INBOUND_SMTP": "2525", "BOUNCE_DOMAIN": ""})
    assert listener_words({}) == (
        "off: bounces that come later, complaints and replies are lost. "
        "Set BOUNCE_DOMAIN and REPLY_DOMAIN, and INBOUND_SMTP (docs/operations.md)"
    )


def test_with_a_domain_and_a_way_in_it_is_taken() -> None:
    given = {"INBOUND_LMTP": "2424", "REPLY_DOMAIN": "reply.fabrikam.com"}
    assert takes_mail(given)
    assert listener_words(given) == "by INBOUND_LMTP=2424, for reply.fabrikam.com"


def test_a_mailbox_of_ours_is_a_way_and_its_password_is_not_shown() -> None:
    given = {"IMAP_URL": "imaps://user:secret@imap.fabrikam.com/INBOX"}
    assert takes_mail(given)
    assert listener_words(given) == "by IMAP_URL"


def test_the_demos_listener_is_on_loopback_and_no_listener_takes_the_gateways_metrics_port() -> None:
    given = {"HOST": "0.0.0.0", "METRICS_PORT": "9400"}  # noqa: S104  what a user may say
    assert listener_environment(given, demo_relay=True) == {"HOST": "127.0.0.1", "METRICS_PORT": "9401"}
    assert listener_environment(given, demo_relay=False) == {**given, "METRICS_PORT": "9401"}
