"""Campaign templates: what authors may write, and that the fast way to a mail gives what the long way gives."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.compose.campaign import compose_campaign, compose_reference, render_subject
from gateway.compose.headers import COMPOSER_VERSION
from gateway.errors import Refusal, RefusalCode
from gateway.mail import base64url
from gateway.mail.letter import Mailbox
from gateway.mail.tracking import click_url, open_url
from gateway.templates.html_links import rewrite_html, rewrite_text
from gateway.templates.merge_fields import MergeParts
from gateway.templates.versions import CompiledTemplate, check_merge_data, preview_of
from tests.builders import KEYRING
from tests.mails import FACTS, SENDER, body, campaign_template, parsed

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
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300) | st.text(
    '.From =\r\n\t<&"üx', max_size=200
)


def mail(template: CompiledTemplate = EVERYTHING, values: dict[str, str] = VALUES, **facts: Any) -> bytes:
    given = {"template": template, "sender": SENDER, "facts": replace(FACTS, **facts)}
    return compose_campaign(**given, merge_data=values, keyring=KEYRING).content  # type: ignore[arg-type]  # named above


def refused(**source: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        campaign_template(**source)
    return caught.value


def parts_of(**source: Any) -> MergeParts:
    parts = campaign_template(**source).merge
    assert parts is not None
    return parts


# The fast way and the long way


def test_links_marked_once_are_the_links_rewritten_in_the_finished_page() -> None:
    values = {name: value for name, value in VALUES.items() if name != "own_link"} | {
        "own_link": "https://own.example/"
    }
    page = body(parsed(mail(values=values, tracked=False)), "html")
    words = body(parsed(mail(values=values, tracked=False)), "plain")

    def link(number: int, url: str) -> str:
        return click_url(KEYRING, FACTS.public_url, FACTS.ref, number, url)

    def leave(url: str) -> bool:
        return url.startswith(f"{FACTS.public_url}/u/")

    pixel = open_url(KEYRING, FACTS.public_url, FACTS.ref)
    wanted = rewrite_html(page, link=link, leave=leave, pixel=pixel)
    lines = rewrite_text(words, link=link, leave=leave, first=len(wanted.urls) + 1)
    tracked = parsed(mail(values=values))
    assert body(tracked, "html") == wanted.html
    assert body(tracked, "plain") == lines.html


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    values=st.fixed_dictionaries(dict.fromkeys(VALUES, TEXTS)),
    name=st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=80),
    tracked=st.booleans(),
    honeypot=st.booleans(),
    version=st.sampled_from([2, COMPOSER_VERSION]),
)
@example(values=dict.fromkeys(VALUES, "."), name="Jörg", tracked=True, honeypot=True, version=2)
@example(values=dict.fromkeys(VALUES, ""), name=None, tracked=False, honeypot=False, version=COMPOSER_VERSION)
def test_both_ways_give_the_same_bytes(
    values: dict[str, str], name: str | None, tracked: bool, honeypot: bool, version: int
) -> None:
    given: dict[str, Any] = {
        "template": EVERYTHING,
        "sender": SENDER,
        "facts": replace(
            FACTS,
            customer_name=name,
            to=Mailbox(address="ann@customer.example", name=name),
            tracked=tracked,
            honeypot=honeypot,
            composer_version=version,
        ),
        "merge_data": values,
        "keyring": KEYRING,
    }
    fast = compose_campaign(**given)
    assert fast == compose_reference(**given)
    assert fast.content.isascii()
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


@given(TEXTS)
def test_any_value_arrives_escaped_in_html_and_as_it_is_in_text(story: str) -> None:
    message = parsed(mail(values=VALUES | {"story": story}))
    assert "<script" not in body(message, "html")
    wanted = re.sub(r"\s+", "", story)
    assert wanted in re.sub(r"\s+", "", body(message, "plain"))


# Links


def hrefs(content: bytes) -> list[str]:
    return re.findall(r'<a[^>]* href="([^"]+)"', body(parsed(content), "html"))


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


# Values


def test_a_default_stands_in_for_what_is_missing_or_empty() -> None:
    for values in ({key: value for key, value in VALUES.items() if key != "first_name"}, VALUES | {"first_name": ""}):
        message = parsed(mail(values=values))
        assert "Hello there &amp; all" in body(message, "html")
        assert str(message["Subject"]).startswith("You: ")


def test_a_missing_field_is_named() -> None:
    with pytest.raises(Refusal) as caught:
        check_merge_data(EVERYTHING, {"story": "x"}, ("recipients", "0", "mergeData"))
    assert caught.value.code is RefusalCode.MERGE_FIELD_MISSING
    assert caught.value.field == ("recipients", "0", "mergeData", "sku")
    check_merge_data(EVERYTHING, {key: "" for key in VALUES if key != "first_name"}, ())


def test_a_line_break_in_a_field_of_the_subject_is_refused_and_harmless() -> None:
    evil = VALUES | {"story": "x\r\nBcc: evil@example.com"}
    with pytest.raises(Refusal) as caught:
        check_merge_data(EVERYTHING, evil, ("mergeData",))
    assert caught.value.code is RefusalCode.HEADER_INJECTION
    message = parsed(mail(values=evil))
    assert "Bcc" not in message
    assert message["Subject"] == "Ann: x Bcc: evil@example.com"


def test_the_subject_of_the_row_is_the_subject_of_the_mail() -> None:
    template = campaign_template(subject='{{ customer_name|default("You") }}, {{ a }}', html="<p>x</p>")
    subject = render_subject(template, {"a": "b"}, customer_name="Ann Lee")
    assert subject == str(parsed(mail(template, {"a": "b"}))["Subject"]) == "Ann Lee, b"


@pytest.mark.parametrize("name", ["unsubscribe_url", "postal_address"])
def test_a_subject_holds_nothing_that_its_row_cannot_show(name: str) -> None:
    refusal = refused(subject=f"News from {{{{ {name}|default('us') }}}}", html="<p>x</p>")
    assert (refusal.code, refusal.field) == (RefusalCode.TEMPLATE_INVALID, ("subject",))
    assert name in refusal.message


# What authors may write


@pytest.mark.parametrize(
    "code",
    ["{% for x in y %}x{% endfor %}", "{{ a.b }}", "{{ a['b'] }}", "{{ f() }}", "{{ a|upper }}", "{{ a|default(b) }}",
     "{{ 1 + 1 }}", "{{ ''.__class__ }}", "{% block a %}", "{# note #}", "{{ a|default('x')|safe }}", "{{", "{{ a }",
     "{{ a|default('x\") }}", "{%- if a %}"],
)  # fmt: skip
@pytest.mark.parametrize("part", ["subject", "html", "text"])
def test_code_other_than_fields_is_refused_with_a_sentence(code: str, part: str) -> None:
    refusal = refused(**({"subject": "s", "html": "<p>x</p>", "text": "x"} | {part: code}))
    assert refusal.code is RefusalCode.TEMPLATE_INVALID
    assert refusal.field == (part,)
    assert "{{ field }}" in refusal.message


@pytest.mark.parametrize(
    "source",
    [{"html": "<script>x</script>"}, {"html": "<style>.a { color: {{ a }} }</style>"}, {"mjml": "<mjml><mj-body>"},
     {"mjml": "no mjml"}, {"mjml": '<mjml><mj-body><mj-include path="/etc/passwd" /></mj-body></mjml>'},
     {"html": "<div>" * 300}, {"html": "<div></x>" * 50_000}, {"html": "<svg>" + "<td>" * 90_000},
     {"mjml": "<mjml><mj-body><mj-text>" + "<b>" * 60_000}, {"html": "jx1x"}, {"html": "{{ a" * 100_000},
     {"html": "<style>" * 70_000}, {"html": "<style>{{ a }}"}],
)  # fmt: skip
def test_what_cannot_be_compiled_is_refused(source: dict[str, str]) -> None:
    assert refused(**source).code is RefusalCode.TEMPLATE_INVALID


SECTIONS = (
    "<mjml><mj-body>"
    + "<mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section>" * 6000
    + "</mj-body></mjml>"
)


@pytest.mark.parametrize(
    ("source", "code"),
    [({"html": "x" * 600_000}, RefusalCode.TOO_LONG), ({"mjml": SECTIONS}, RefusalCode.TOO_LONG),
     ({"html": '<a href="https://a.example">x</a>' * 1001}, RefusalCode.TOO_MANY),
     ({"html": " ".join(f"{{{{ f{n} }}}}" for n in range(201))}, RefusalCode.TOO_MANY),
     ({"html": "a\0b"}, RefusalCode.INVALID), ({"html": "a&#xe000;9&#xe001;b"}, RefusalCode.INVALID),
     ({"html": "a\ud800b"}, RefusalCode.INVALID)],
)  # fmt: skip
def test_a_template_has_limits(source: dict[str, str], code: RefusalCode) -> None:
    assert refused(**source).code is code


@pytest.mark.parametrize("noise", ["<", "<a ", "<!--", "{#", "href=", "<a href='", "https://a.example/)", "."])
def test_noise_up_to_the_limit_is_read_in_one_pass(noise: str) -> None:
    template = campaign_template(html=noise * (250_000 // len(noise)), text="https://a.example/" + noise * 20_000)
    assert template.fields == ()


def test_mjml_becomes_a_page_whose_dark_theme_stays() -> None:
    template = campaign_template(
        mjml="<mjml><mj-head><mj-style>p { color: red } @media (prefers-color-scheme: dark) { p { color: #fff } }"
        "</mj-style></mj-head><mj-body><mj-section><mj-column><mj-text><p>Hi {{ name }}</p></mj-text>"
        '<mj-button href="{{ link }}">Go</mj-button></mj-column></mj-section></mj-body></mjml>'
    )
    page = body(parsed(mail(template, {"name": "Ann", "link": "https://x.example/"})), "html")
    assert re.search(r'<p style="[^"]*color: red[^"]*">Hi Ann</p>', page)
    assert "prefers-color-scheme: dark" in page
    assert "/c/" in page


def test_a_font_that_is_named_is_not_fetched_from_google_by_every_reader() -> None:
    section = "<mj-body><mj-section><mj-column><mj-text>Hi</mj-text></mj-column></mj-section></mj-body></mjml>"
    named = '<mjml><mj-head>{font}<mj-attributes><mj-all font-family="Roboto, Ubuntu" /></mj-attributes></mj-head>'
    page = body(parsed(mail(campaign_template(mjml=named.format(font="") + section), {})), "html")
    assert "Roboto" in page
    assert "googleapis" not in page
    # A template that asks for a font by its address gets it.
    own = '<mj-font name="Roboto" href="https://fonts.fabrikam.example/roboto.css" />'
    page = body(parsed(mail(campaign_template(mjml=named.format(font=own) + section), {})), "html")
    assert "https://fonts.fabrikam.example/roboto.css" in page


@pytest.mark.parametrize(
    ("source", "has"),
    [({"html": '<a href="{{ unsubscribe_url }}">x</a>'}, True),
     ({"html": "<p>x</p>", "text": "{{ unsubscribe_url }}"}, False),
     ({"html": '<a href="{{ unsubscribe_url }}">x</a>', "text": "bye"}, True),
     ({"html": '<a href="{{ unsubscribe_url }}">x</a>', "text": "bye <{{ unsubscribe_url }}>"}, True),
     ({"html": "<p>x</p>"}, False), ({"html": "<p>{{ unsubscribe_url }}</p>", "text": "x"}, False),
     ({"html": "<a class='b' style='c' href='{{unsubscribe_url}}'>x</a>"}, True),
     ({"html": "<a href='{{ unsubscribe_url }}'><img src='https://x.example/a.png' alt=''></a>"}, True),
     ({"html": "<a href='{{ unsubscribe_url }}'>{{ a }}</a>"}, True),
     ({"html": "<a href='{{ unsubscribe_url }}'> <b></b>&nbsp;</a><p>x</p>"}, False),
     ({"html": "<p>x</p><!-- <a href='{{ unsubscribe_url }}'>x</a> -->"}, False),
     ({"html": "<p>x</p><!--[if mso]><a href='{{ unsubscribe_url }}'>x</a><![endif]-->"}, False)],
)  # fmt: skip
def test_an_unsubscribe_link_is_found_in_whichever_part_is_read(source: dict[str, str], has: bool) -> None:
    assert parts_of(**source).has_unsubscribe is has


@pytest.mark.parametrize(
    ("source", "added"),
    [({"html": "<p>{{ postal_address }}</p><hr>"}, 0),
     ({"html": "<p title='{{ a }} > {{ b }}'>{{ postal_address }}<hr>"}, 0),
     ({"html": "<p>x</p>", "text": "{{ postal_address }}"}, 1),
     ({"html": "<p title='{{ a }} {{ postal_address }}'>x</p>", "text": "{{ postal_address }}"}, 1),
     ({"html": "<p>x</p><!-- {{ postal_address }} -->", "text": "{{ postal_address }}"}, 1),
     ({"html": "<p>x</p><!-- <b>{{ postal_address }}</b> -->"}, 1),
     ({"html": "<p>x</p><!--[if mso]>{{ postal_address }}<![endif]-->"}, 1),
     ({"html": "<!-- {{ a }} > {{ b }} --><p>{{ postal_address }}</p><hr>"}, 0),
     ({"html": "<title>{{ postal_address }}</title><p>x</p>"}, 1),
     ({"html": "<a href='https://map.example/{{ postal_address }}'>x</a>", "text": "{{ postal_address }}"}, 1),
     ({"html": "<p>{{ postal_address|default('x') }}</p><hr>", "text": "bye"}, 0)],
)  # fmt: skip
def test_a_page_whose_words_lack_the_postal_address_gets_it_at_its_end(source: dict[str, str], added: int) -> None:
    parts = parts_of(**source)
    assert parts.part_without_postal_address is None
    end = "".join(piece if isinstance(piece, str) else "*" for piece in parts.html)
    assert end.count("<p>*</p></body>") == added


def test_an_end_of_the_page_that_stands_in_a_comment_is_none() -> None:
    parts = parts_of(html="<html><body><p>x</p></body></html><!-- </body> -->")
    assert parts.part_without_postal_address is None


def test_a_text_is_completed_with_what_the_page_shows() -> None:
    # Given a page with both, and a text of its author's that has neither
    template = campaign_template(
        html='<p>Hello</p><p>{{ postal_address }} <a href="{{ unsubscribe_url }}">bye</a></p>', text="Hello"
    )
    # When it is mailed
    shown = parsed(mail(template, {}))
    # Then whoever reads the text finds the same
    lines = [line for line in body(shown, "plain").splitlines() if line]
    assert lines[0] == "Hello"
    assert lines[1].startswith("1 Main")
    assert "/u/" in lines[2]


def test_text_is_made_of_the_page_when_there_is_none() -> None:
    template = campaign_template(
        html="<style>p{}</style><h1>Big &amp; new</h1><p>Hello {{ name }},<br>see <a href='https://a.example/x'>this</a>.</p>"
        "<ul><li>one</li><li>two</li></ul><img alt='A house'>"
    )
    text = body(parsed(mail(template, {"name": "Ann"}, tracked=False)), "plain")
    words = "Big & new Hello Ann, see this (https://a.example/x). - one - two A house 1 Main Street, Springfield"
    assert " ".join(text.split()) == words
    assert "- one\n- two" in text.replace("\r\n", "\n")


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_a_page_of_pictures_still_has_words(text: str | None) -> None:
    template = campaign_template(subject="Look, {{ name }}", html='<img src="https://x.example/a.png">', text=text)
    words = body(parsed(mail(template, {"name": "Ann"})), "plain").split("\r\n")
    assert words[:3] == ["Look, Ann", "", "1 Main Street, Springfield"]


def test_a_preview_shows_sample_data_or_the_fields_names() -> None:
    assert EVERYTHING.merge is not None
    preview = preview_of(EVERYTHING.merge, {"first_name": "Sam", "own_link": "https://sample.example/"})
    assert preview.subject == "Sam: [story]"
    assert "Hello Sam &amp; all" in preview.html
    assert "mail.fabrikam.example" not in preview.html
    assert "[story]" in preview.text


def test_fields_are_listed_in_order_without_ours() -> None:
    assert EVERYTHING.fields == ("first_name", "story", "sku", "own_link", "contact")
    assert EVERYTHING.required == ("story", "sku", "own_link", "contact")
