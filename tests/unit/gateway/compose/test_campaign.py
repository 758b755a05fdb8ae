"""Campaign mail: precompiled pieces give what composing the long way gives; links, values."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.compose.campaign import compose_campaign, render_subject
from gateway.compose.headers import COMPOSER_VERSION
from gateway.compose.sender_profiles import SenderVersion
from gateway.errors import Refusal, RefusalCode, Refusals
from gateway.mail import base64url
from gateway.mail.customer_values import attribute_fields
from gateway.mail.letter import Mailbox
from gateway.mail.tracking import click_url, open_url, read_reply_address, read_unsubscribe
from gateway.templates.html_links import add_pixel, rewrite_html, rewrite_text
from gateway.templates.versions import CompiledTemplate, check_merge_data
from tests.builders import KEYRING
from tests.examples import examples
from tests.mails import FACTS, SENDER, body, campaign_template, parsed
from tests.reference_composer import compose_reference

HTML = """<html><head><style>.a { color: red } @media (prefers-color-scheme: dark) { .a { color: #faa } }</style></head>
<body><p class="a">Hello {{ first_name|default("there") }} &amp; all,</p>
<p>{{ story }}</p><a href="https://shop.example/?sku={{ sku }}&amp;ref=1">buy</a>
<a href="{{ own_link }}">yours</a> <a href="mailto:{{ contact }}">write</a> <a data-no-track href="https://plain.example/">plain</a>
<img alt="{{ story }}" src="https://cdn.example/x.png"><p>{{ postal_address }}</p>
<a href="{{ unsubscribe_url }}">Unsubscribe</a></body></html>"""
TEXT = """Hello {{ first_name|default("there") }},
{{ story }}
.dot From here https://shop.example/{{ sku }}, thanks
{{ postal_address }}
{{ unsubscribe_url }}"""
EVERYTHING = campaign_template(subject='{{ first_name|default("You") }}: {{ story }}', html=HTML, text=TEXT)
VALUES = {
    "first_name": "Ann",
    "story": "Once upon a time",
    "sku": "a b/c&d",
    "own_link": "https://own.example/?q=1",
    "contact": "a@b.example",
}
WITHOUT_REPLY_TO = replace(SENDER, reply_to=None)
TRACKING = replace(
    SENDER, track_replies=True, from_name="Fabrikam Installers of Größe & Sons, Home Cinema, Springfield"
)
BOUNCES, REPLIES = "bounce.fabrikam.example", "reply.fabrikam.example"
PLAIN: dict[str, Any] = {"address": "ann@customer.example", "sender": SENDER, "bounces": None, "replies": None}
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300) | st.text(
    '.From =\r\n\t<&"üx', max_size=200
)


def mail(
    template: CompiledTemplate = EVERYTHING,
    values: dict[str, str] = VALUES,
    *,
    sender: SenderVersion = SENDER,
    **facts: Any,
) -> bytes:
    given = {"template": template, "sender": sender, "facts": replace(FACTS, **facts)}
    return compose_campaign(**given, merge_data=values, keyring=KEYRING).content  # type: ignore[arg-type]  # named above


# The fast way and the long way


def test_links_marked_once_are_the_links_rewritten_in_the_finished_page() -> None:
    values = {name: value for name, value in VALUES.items() if name != "own_link"} | {
        "own_link": "https://own.example/"
    }
    unsubscribe = f"{FACTS.public_url}/u/"  # the one web address that is never rewritten
    page = body(parsed(mail(values=values, tracked=False)), "html").replace(unsubscribe, "#unsubscribe")
    words = body(parsed(mail(values=values, tracked=False)), "plain").replace(unsubscribe, "#unsubscribe")

    def link(number: int, url: str) -> str:
        return click_url(KEYRING, FACTS.public_url, FACTS.ref, number, url)

    rewritten = rewrite_html(page, link=link)
    wanted = add_pixel(rewritten.html, pixel=open_url(KEYRING, FACTS.public_url, FACTS.ref))
    lines = rewrite_text(words, link=link, first=len(rewritten.urls) + 1)
    tracked = parsed(mail(values=values))
    assert body(tracked, "html") == wanted.replace("#unsubscribe", unsubscribe)
    assert body(tracked, "plain") == lines.html.replace("#unsubscribe", unsubscribe)


@settings(max_examples=examples(60, proof=150), suppress_health_check=[HealthCheck.too_slow])
@given(
    values=st.fixed_dictionaries(dict.fromkeys(VALUES, TEXTS)),
    name=st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=80),
    tracked=st.booleans(),
    honeypot=st.booleans(),
    version=st.sampled_from([2, 3, COMPOSER_VERSION]),
    address=st.sampled_from(["ann@customer.example", "jürgen\u00a0x@customer.example"]),
    sender=st.sampled_from([SENDER, WITHOUT_REPLY_TO, TRACKING, replace(TRACKING, from_name=None)]),
    bounces=st.sampled_from([None, BOUNCES]),
    replies=st.sampled_from([None, REPLIES]),
)
@example(values=dict.fromkeys(VALUES, "."), name="Jörg", tracked=True, honeypot=True, version=2, **PLAIN)
@example(values=dict.fromkeys(VALUES, ""), name=None, tracked=False, honeypot=False, version=COMPOSER_VERSION, **PLAIN)
def test_both_ways_give_the_same_bytes_and_the_same_to_sign(
    values: dict[str, str],
    name: str | None,
    tracked: bool,
    honeypot: bool,
    version: int,
    address: str,
    sender: SenderVersion,
    bounces: str | None,
    replies: str | None,
) -> None:
    given: dict[str, Any] = {
        "template": EVERYTHING,
        "sender": sender,
        "facts": replace(
            FACTS,
            customer_name=name,
            to=Mailbox(address=address, name=name),
            tracked=tracked,
            honeypot=honeypot,
            composer_version=version,
            bounce_domain=bounces,
            reply_domain=replies,
        ),
        "merge_data": values,
        "keyring": KEYRING,
        "to_be_signed": True,
    }
    fast = compose_campaign(**given)
    assert fast == compose_reference(**given)
    assert fast.content.isascii() == address.isascii()
    assert max(map(len, fast.content.split(b"\r\n"))) <= 998
    assert b"\r\n." not in fast.content
    parsed(fast.content)


@pytest.mark.parametrize(("version", "longest"), [(2, 8192), (3, 3000)])
def test_a_mail_composed_again_tracks_the_links_that_its_version_tracked(version: int, longest: int) -> None:
    html = '<a href="{{ own_link }}">x</a> {{ postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a>'
    template = campaign_template(html=html)
    for octets, is_tracked in ((longest, True), (longest + 1, False)):
        url = "https://shop.example/".ljust(octets, "a")
        content = mail(template, {"own_link": url}, composer_version=version)
        assert (f"{FACTS.public_url}/c/" in body(parsed(content), "html")) == is_tracked


# What comes back


def test_a_mail_says_where_replies_and_complaints_come_back_to() -> None:
    sender = replace(SENDER, track_replies=True)
    message = parsed(mail(sender=sender, bounce_domain=BOUNCES, reply_domain=REPLIES))
    [reply_to] = message["Reply-To"].addresses
    assert reply_to.display_name == "Fabrikam Installers"
    assert read_reply_address(KEYRING, reply_to.addr_spec) == FACTS.ref
    assert reply_to.domain == REPLIES
    assert message["CFBL-Address"] == f"complaints@{BOUNCES}; report=arf"
    assert read_unsubscribe(KEYRING, message["CFBL-Feedback-ID"]) == FACTS.ref


@pytest.mark.parametrize("version", [2, 3])
def test_mail_of_earlier_versions_says_nothing_of_what_comes_back(version: int) -> None:
    known = mail(sender=TRACKING, composer_version=version, bounce_domain=BOUNCES, reply_domain=REPLIES)
    assert known == mail(sender=TRACKING, composer_version=version)


def test_mail_that_nothing_comes_back_for_is_that_of_the_version_before() -> None:
    assert mail(composer_version=4) == mail(composer_version=3)
    assert mail(composer_version=4, reply_domain=REPLIES) == mail(composer_version=3)
    assert mail(sender=TRACKING, composer_version=4) == mail(sender=TRACKING, composer_version=3)


def test_settings_that_change_reach_the_next_mail() -> None:
    assert BOUNCES.encode() in mail(bounce_domain=BOUNCES)
    assert b"CFBL" not in mail()
    assert b"CFBL-Address: complaints@b.example; report=arf\r\n" in mail(bounce_domain="b.example")


@given(TEXTS)
def test_any_value_arrives_escaped_in_html_and_as_it_is_in_text(story: str) -> None:
    message = parsed(mail(values=VALUES | {"story": story}))
    assert "<script" not in body(message, "html")
    wanted = re.sub(r"\s+", "", story)
    assert wanted in re.sub(r"\s+", "", body(message, "plain"))


# Links


def hrefs(content: bytes) -> list[str]:
    return [link for _, link in re.findall(r"""<a[^>]* href=(["'])(.+?)\1""", body(parsed(content), "html"))]


def test_links_are_counted_but_for_mail_own_choice_and_unsubscribe() -> None:
    found = hrefs(mail())
    assert [link.split("/")[3] for link in found if link.startswith("https://mail.fabrikam.example")] == ["c", "c", "u"]
    assert base64url.decode(found[0].split("/")[5]) == b"https://shop.example/?sku=a%20b/c%26d&ref=1"
    assert found[2:4] == ["mailto:a@b.example", "https://plain.example/"]


def test_an_untracked_mail_keeps_its_links_and_has_no_pixel() -> None:
    content = mail(tracked=False)
    assert hrefs(content)[:2] == ["https://shop.example/?sku=a%20b/c%26d&amp;ref=1", "https://own.example/?q=1"]
    assert "/o/" not in body(parsed(content), "html")


@pytest.mark.parametrize("link", ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "", "own.example"])
def test_a_link_of_merge_data_that_is_no_address_leads_nowhere(link: str) -> None:
    assert hrefs(mail(values=VALUES | {"own_link": link}))[1] == "#"


def test_a_link_without_quotes_is_a_link_all_the_same() -> None:
    template = campaign_template(html="<a href={{ link }}>x</a>", text="x")
    assert hrefs(mail(template, {"link": "javascript:alert(1)"})) == ["#"]
    assert "/c/" in hrefs(mail(template, {"link": "https://own.example/"}))[0]


def test_an_address_that_looks_like_our_placeholder_in_capitals_is_the_authors_own() -> None:
    assert hrefs(mail(campaign_template(html="<a href='JX5X'>x</a>", text="x"), {})) == ["JX5X"]


# Values


def test_a_default_stands_in_for_what_is_missing_or_empty() -> None:
    for values in ({key: value for key, value in VALUES.items() if key != "first_name"}, VALUES | {"first_name": ""}):
        message = parsed(mail(values=values))
        assert "Hello there &amp; all" in body(message, "html")
        assert str(message["Subject"]).startswith("You: ")


def test_every_missing_field_is_named() -> None:
    with pytest.raises(Refusals) as caught:
        check_merge_data(EVERYTHING, {"story": "x"}, ("recipients", "0", "mergeData"))
    assert {one.code for one in caught.value.refusals} == {RefusalCode.MERGE_FIELD_MISSING}
    assert [one.field for one in caught.value.refusals] == [
        ("recipients", "0", "mergeData", name) for name in ("sku", "own_link", "contact")
    ]
    check_merge_data(EVERYTHING, {key: "" for key in VALUES if key != "first_name"}, ())


def test_a_line_break_in_a_field_of_the_subject_is_refused_and_harmless() -> None:
    evil = VALUES | {"story": "x\r\nBcc: evil@example.com"}
    with pytest.raises(Refusal) as caught:
        check_merge_data(EVERYTHING, evil, ("mergeData",))
    assert caught.value.code is RefusalCode.HEADER_INJECTION
    message = parsed(mail(values=evil))
    assert "Bcc" not in message
    assert message["Subject"] == "Ann: x Bcc: evil@example.com"


def test_values_of_the_customer_are_put_in_like_any_other() -> None:
    # Given a template with the customer's name and values, in subject, text and links
    template = campaign_template(
        subject="{{ customer.name }} of {{ customer.attributes.city }}",
        html='<p>{{ customer.attributes.city }} {{customer.attributes.plan|default("no plan")}} {{ customer_name }}</p>'
        '<a href="https://shop.example/{{ customer.attributes.city }}">x</a> <a href="{{ customer.attributes.url }}">',
        text="Dear {{ customer.name|default('customer') }}: https://shop.example/?c={{ customer.attributes.city }}",
    )
    assert (template.fields, template.required) == (
        ("customer.attributes.city", "customer.attributes.plan", "customer.attributes.url"), ()
    )  # fmt: skip
    assert template.attributes == ("city", "plan", "url")
    assert template.required_attributes == ("city", "url")
    # When it is composed with what the message keeps of them
    values = attribute_fields({"city": "Köln & Bonn", "url": "https://own.example/"})
    message = parsed(mail(template, values, tracked=False))
    # Then each stands where its author put it, encoded as it must be there
    assert str(message["Subject"]) == "Ann Lee of Köln & Bonn"
    assert "Köln &amp; Bonn no plan Ann Lee" in body(message, "html")
    assert "https://shop.example/K%C3%B6ln%20%26%20Bonn" in body(message, "html")
    assert "Dear Ann Lee: https://shop.example/?c=K%C3%B6ln%20%26%20Bonn" in body(message, "plain")
    assert render_subject(template, values, customer_name="Ann Lee") == str(message["Subject"])
    with pytest.raises(Refusal, match=r"customer\.attributes\.url"):
        mail(template, attribute_fields({"city": "x"}))


def test_the_subject_of_the_row_is_the_subject_of_the_mail() -> None:
    template = campaign_template(subject='{{ customer_name|default("You") }}, {{ a }}', html="<p>x</p>")
    subject = render_subject(template, {"a": "b"}, customer_name="Ann Lee")
    assert subject == str(parsed(mail(template, {"a": "b"}))["Subject"]) == "Ann Lee, b"
