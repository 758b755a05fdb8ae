"""The gateway's settings: what is missing or malformed is named at start, with a right one beside it."""

from __future__ import annotations

import pytest

from gateway.errors import SettingsError
from gateway.mail.source import SourceType
from gateway.settings import EXAMPLES, Settings, TlsMode, examples, read_settings
from tests.builders import SECRET_KEYS

RIGHT = {
    "database_url": "postgresql://mail@db/mail",
    "public_url": "https://mail.example.com",
    "default_from": "Fabrikam Installers <hello@fabrikam.com>",
    "relay_url": "smtp+starttls://user:hunter2@relay.internal?name=main, smtps://other.internal:4650",
    "secret_keys": SECRET_KEYS,
}


def read(**values: str) -> Settings:
    return read_settings(**(RIGHT | values))


def test_relays_are_read_in_their_order_and_say_no_password() -> None:
    first, second = read().relay_url
    assert (first.name, first.port, first.tls, first.password) == ("main", 587, TlsMode.STARTTLS, "hunter2")
    assert (second.name, second.port, second.tls) == ("other.internal", 4650, TlsMode.IMPLICIT)
    assert "hunter2" not in repr(read())


def test_dns_servers_are_addresses_with_or_without_a_port() -> None:
    found = read(dns_servers="10.0.0.54:5353, ::1, [2001:db8::53]:5353")
    assert [(str(one.address), one.port) for one in found.dns_servers] == [
        ("10.0.0.54", 5353),
        ("::1", 53),
        ("2001:db8::53", 5353),
    ]


@pytest.mark.parametrize("name", ["database_url", "public_url", "default_from", "relay_url", "secret_keys"])
def test_a_missing_setting_is_named_with_a_right_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name.upper(), raising=False)
    with pytest.raises(SettingsError) as caught:
        read_settings(**{key: value for key, value in RIGHT.items() if key != name})
    assert str(caught.value) == f"{name.upper()} is missing. For example: {name.upper()}={EXAMPLES[name.upper()]}"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("default_from", "nonsense", "DEFAULT_FROM is no mailbox to send from: Not an e-mail address"),
        ("default_from", "Ann <ann@>", "DEFAULT_FROM is no mailbox to send from: Not an e-mail address"),
        ("default_from", "Ann\r\nBcc: x <ann@fabrikam.com>", "DEFAULT_FROM is no mailbox to send from: Line breaks"),
        ("default_from", "Jörg <jörg@fabrikam.com>", "DEFAULT_FROM is no mailbox to send from: Many servers refuse"),
        ("public_url", "mail.example.com", "PUBLIC_URL String should match"),
        ("public_url", "https://" + "a" * 31 + ".com", "PUBLIC_URL String should have at most 42 characters"),
        ("relay_url", "http://relay", "RELAY_URL a relay starts with smtp://"),
        ("relay_url", "smtp://user:hunter2@relay.internal", "RELAY_URL credentials would travel in clear"),
        ("relay_url", "smtp://relay?speed=9", "RELAY_URL unknown relay option"),
        ("relay_url", "smtp://relay,smtps://relay", "RELAY_URL: two relays have one name"),
        ("secret_keys", "k1:short", "SECRET_KEYS a secret key is id:base64"),
        ("secret_keys", ",", "SECRET_KEYS holds no key"),
        ("secret_keys", f"{SECRET_KEYS},{SECRET_KEYS}", "SECRET_KEYS: two keys have one id"),
        ("campaign_deadline", "-PT1H", "CAMPAIGN_DEADLINE is a time above zero"),
        ("completed_deadline", "PT0S", "COMPLETED_DEADLINE is a time above zero"),
        ("card_deadline", "P9999999D", "CARD_DEADLINE is a time above zero, at most 366 days"),
        ("retry_once", "CAMPAIGN,NEWS", "RETRY_ONCE there is no such source type: 'NEWS'"),
        ("dkim_keys", "fabrikam.com", "DKIM_KEYS a DKIM key is domain:selector:path"),
        ("dns_servers", "dns.internal", "DNS_SERVERS 'dns.internal' does not appear to be an IPv4 or IPv6 address"),
        ("dns_servers", "10.0.0.53:0", "DNS_SERVERS a port is 1 to 65535"),
        ("dns_servers", "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4", "DNS_SERVERS Tuple should have at most 3 items"),
        ("test_emails_per_day", "-1", "TEST_EMAILS_PER_DAY Input should be greater than or equal to 0"),
    ],
)
def test_a_malformed_setting_is_named_and_no_secret_repeated(name: str, value: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(**{name: value})
    assert str(caught.value).startswith(words)
    assert "hunter2" not in str(caught.value)


def test_mail_is_tried_again_by_itself_only_where_that_is_chosen() -> None:
    assert read().retry_once == ()
    assert read(retry_once="CAMPAIGN, WORK_ORDER").retry_once == (SourceType.CAMPAIGN, SourceType.WORK_ORDER)


@pytest.mark.parametrize(("name", "value"), examples(Settings).items())
def test_every_setting_has_an_example_that_is_right(name: str, value: str) -> None:
    read(**{name.lower(): value.partition("   ")[0]})  # a key's example says in words what it is
    assert value not in ("", "None")


def test_a_malformed_setting_with_a_default_shows_it() -> None:
    with pytest.raises(SettingsError) as caught:
        read(campaign_deadline="two days", lease_seconds="0", honeypot_link="perhaps")
    faults = sorted(str(caught.value).splitlines())
    assert [line.partition(" For example: ")[2] for line in faults] == [
        "CAMPAIGN_DEADLINE=PT48H",
        "HONEYPOT_LINK=0",
        "LEASE_SECONDS=60",
    ]
