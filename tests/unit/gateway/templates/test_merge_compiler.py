"""Campaign templates: what authors may write, and what becomes of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import Refusal, RefusalCode
from gateway.templates.card_numbers import refuse_long_field_runs
from gateway.templates.character_references import decode
from gateway.templates.merge_fields import SUPPLIED, MergeParts, TrackingTag, fields_of
from tests.mails import body, campaign_template, parsed
from tests.unit.gateway.compose.test_campaign import EVERYTHING, mail


def refused(**source: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        campaign_template(**source)
    return caught.value


def parts_of(**source: Any) -> MergeParts:
    parts = campaign_template(**source).merge
    assert parts is not None
    return parts


@pytest.mark.parametrize("name", ["unsubscribe_url", "postal_address"])
def test_a_subject_holds_nothing_that_its_row_cannot_show(name: str) -> None:
    refusal = refused(subject=f"News from {{{{ {name}|default('us') }}}}", html="<p>x</p>")
    assert (refusal.code, refusal.field) == (RefusalCode.TEMPLATE_INVALID, ("subject",))
    assert name in refusal.message


@pytest.mark.parametrize(
    "code",
    ["{% for x in y %}x{% endfor %}", "{{ a.b }}", "{{ a['b'] }}", "{{ f() }}", "{{ a|upper }}", "{{ a|default(b) }}",
     "{{ 1 + 1 }}", "{{ ''.__class__ }}", "{% block a %}", "{# note #}", "{{ a|default('x')|safe }}", "{{", "{{ a }",
     "{{ a|default('x\") }}", "{%- if a %}", "{{ customer.email }}", "{{ customer.attributes }}",
     "{{ customer. name }}", "{{ customer.attributes.straße }}", "{{ customer.attributes.a.b }}"],
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
     {"mjml": "<mjml><mj-body><mj-text>" + "<b>" * 60_000}, {"html": "{{ a" * 100_000},
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


@pytest.mark.parametrize("noise", ["<", "<a ", "<!--", "{#", "href=", "<a href='", "/)", "/(", "."])
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
    assert re.search(r'<p style="[^"]*color:red[^"]*">Hi Ann</p>', page)
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
    assert len(re.findall(r"<p>\*</p>\n\Z", end)) == added


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
    # Then one who reads the text finds the same
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


def test_fields_are_listed_in_order_without_ours() -> None:
    assert EVERYTHING.fields == ("first_name", "story", "sku", "own_link", "contact")
    assert EVERYTHING.required == ("story", "sku", "own_link", "contact")


def test_customers_values_are_fields_of_a_name_with_dots() -> None:
    parts = parts_of(
        subject="{{customer.attributes.a}} {{ customer }}", html="<p>{{ customer.name }} {{ name }}</p>",
        text="{{ customer.attributes.b | default('x') }} {{ customer.attributes.a }}",
    )  # fmt: skip
    assert parts.fields == ("customer.attributes.a", "customer", "name", "customer.attributes.b")
    assert parts.required == ("customer.attributes.a", "customer", "name")
    assert [field.name for field in fields_of(parts.html) if field.name in SUPPLIED] == [
        "customer_name", "postal_address"
    ]  # fmt: skip


# Forged placeholders

SIGNS = [
    "jx0x",
    "jx9x",
    "\ue0009\ue001",
    "https://jx0x.field.invalid",
    "https://pixel.field.invalid/",
    "jxabcdefghijklmnop0x",
]


@st.composite
def forgeries(draw: st.DrawFn) -> str:
    """What stands for a field or a piece somewhere in the compiler, spelt in any way that is read as it."""
    spelt = [
        draw(st.sampled_from([letter, f"&#{ord(letter)};", f"&#x{ord(letter):x}", f"&amp;#{ord(letter)};"]))
        for letter in draw(st.sampled_from(SIGNS))
    ]
    between = st.sampled_from(
        ["", "", "", "<b>", "</b>", "<!-- -->", "<i hidden>x</i>", "&#xe0<!-- -->00;", "<wbr>", "\u200b"]
    )
    return "".join(draw(between) + letter for letter in spelt)


PLACES = st.sampled_from(
    ["<p>{}</p>", "<p title='{}'>x</p>", "<a href='{}'>x</a>", "<a href='https://a.example/{}'>x</a>", "<!-- {} -->",
     "<img src='{}' alt='{}'>", "<img src='https://pixel.field.invalid/' width='{}'>", "<style>.{} {{ }}</style>",
     "<a data-no-track href='https://jx0x.field.invalid/{}'>x</a>", "<a {}='1' href='{{{{ a }}}}'>x</a>"]
)  # fmt: skip


@given(PLACES, forgeries(), st.booleans())
@example("<p>{}</p>", "j&#120;7x", False)
@example("<p>{}</p>", "j<b>x7x</b>", False)
@example("<p>{}</p>", "&#xe0<!-- -->00;9&#xe0<!-- -->01;", False)
@example("<img src='{}'>", "https://pixel.field.invalid/", False)
def test_nothing_that_an_author_writes_is_taken_for_a_placeholder(place: str, forgery: str, typed: bool) -> None:
    # Given a template with one field, and something that looks like what the compiler puts in its place
    forged = place.format(forgery, forgery)
    source = {"html": f"<p>{{{{ a }}}}</p>{forged}"} | ({"text": f"{{{{ a }}}} {forgery}"} if typed else {})
    try:
        parts = parts_of(**source)
    except Refusal:
        assert "\ue000" in decode(forged) or "\ue001" in decode(forged)
        return
    # Then the one field is all that is put in, where it was written
    wanted = 2 if "{{ a }}" in forged else 1
    assert [field.name for field in fields_of(parts.html) if field.name not in SUPPLIED] == ["a"] * wanted
    assert {field.name for field in fields_of([*parts.subject, *parts.html, *parts.text])} <= {"a", *SUPPLIED}
    # and the pixel is ours
    tags = [piece for piece in parts.html if isinstance(piece, TrackingTag)]
    assert [(tag.kind, tag.before) for tag in tags] == [
        ("honeypot", '<a href="'), ("pixel", '<img src="')
    ]  # fmt: skip
    assert not re.search(r"jx[a-p]{16}[0-9]+x|[\ue000\ue001]", "".join(map(str, parts.html + parts.text)))
    refuse_long_field_runs(parts, ("html",))


@pytest.mark.parametrize("forgery", ["jx0x", "j&#120;0x", "j&amp;#120;0x", "&amp;#xe000;0&amp;#xe001;", "j<b>x0x</b>"])
def test_mjml_forges_no_placeholder_either(forgery: str) -> None:
    flat = forgery.replace("<b>", "").replace("</b>", "")
    parts = parts_of(
        mjml=f"<mjml><mj-body><mj-section css-class='{flat}'><mj-column><mj-text>{{{{ a }}}} {forgery}</mj-text>"
        f"<mj-image alt='{flat}' src='{flat}'/><mj-button href='{flat}'>x</mj-button>"
        "</mj-column></mj-section></mj-body></mjml>"
    )
    assert [field.name for field in fields_of(parts.html) if field.name not in SUPPLIED] == ["a"]
    assert [field.name for field in fields_of(parts.text) if field.name not in SUPPLIED] == ["a"]
    refuse_long_field_runs(parts, ("mjml",))


def test_words_that_look_like_a_placeholder_are_the_authors_own() -> None:
    parts = parts_of(html="<p>{{ a }} jx0x j&#120;7x j<b>x7x</b></p>", text="{{ a }} jx0x")
    assert "jx0x j&#120;7x j<b>x7x</b>" in "".join(map(str, parts.html))
    assert " jx0x\n" in parts.text


# The language of a page


RIGHT_TO_LEFT = ' lang="ar" dir="rtl"'
MJML = "<mj-body><mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section></mj-body></mjml>"


@pytest.mark.parametrize(
    ("page", "locale", "start"),
    [("<!DOCTYPE html><html><body>x", "de_AT", '<!DOCTYPE html><html lang="de-AT"><body>'),
     ("<p>x", "de", '<html lang="de"><p>'), ("\n<!-- <html> --><!doctype html>\n<p>x", "ar",
      f"\n<!-- <html> --><!doctype html>\n<html{RIGHT_TO_LEFT}><p>"),
     ('<html dir="ltr"><p>x', "ar", '<html lang="ar" dir="ltr"><p>'), ("<html LANG=fr><p>x", "ar", "<html LANG=fr><p>"),
     ('<html xml:lang="fr"><p>x', "de", '<html xml:lang="fr"><p>'),
     ("x <b>y</b>", "he", '<html lang="he" dir="rtl">x ')],
)  # fmt: skip
def test_a_page_says_its_language_where_its_author_did_not(page: str, locale: str, start: str) -> None:
    html = parts_of(html=page, locale=locale).html[0]
    assert isinstance(html, str)
    assert html.startswith(start)


@pytest.mark.parametrize(
    ("root", "locale", "said"),
    [("<mjml>", "de", 'lang="de" dir="auto"'), ("<mjml>", "ar", 'lang="ar" dir="rtl"'),
     ('<mjml lang="fr">', "ar", 'lang="fr" dir="auto"'), ('<mjml dir="ltr">', "ar", 'lang="ar" dir="ltr"')],
)  # fmt: skip
def test_mjml_says_its_language_too(root: str, locale: str, said: str) -> None:
    html = parts_of(mjml=root + MJML, locale=locale).html[0]
    assert isinstance(html, str)
    assert f"<html {said}" in html
    assert "und" not in html.partition("<body")[0]


# Long pages


def test_the_pixel_of_a_page_that_is_cut_off_stands_before_it() -> None:
    for octets, early in ((90_000, False), (110_000, True)):
        page = f"<!DOCTYPE html><html><head><title>x</title></head><body class=a><p>{'x' * octets}</p></body></html>"
        order = "".join(piece if isinstance(piece, str) else f"*{piece}*" for piece in parts_of(html=page).html)
        assert (order.find("kind='pixel'") < order.find("<p>xx")) is early
        assert order.count("kind='pixel'") == 1


def test_links_that_tracking_lengthens_count_for_the_length_of_a_page() -> None:
    page = "<p>" + '<a href="https://a.example/">x</a>' * 900 + "x" * 50_000 + "</p>"
    assert not isinstance(parts_of(html=page).html[1], str)
    assert "kind='honeypot'" in str(parts_of(html=page).html[1])
