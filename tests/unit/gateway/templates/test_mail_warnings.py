"""What may look wrong with a mail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.templates.html_links import MAX_LINES, PageFaults, page_faults
from gateway.templates.mail_warnings import (
    LARGEST_SHOWN,
    LINK_GROWTH,
    MailWarningCode,
    keys_unknown,
    postal_address_missing,
    sent_size,
    warnings_of_page,
)

RIGHT = PageFaults()


def test_a_page_that_gmail_would_cut_is_warned_of_with_its_size() -> None:
    assert warnings_of_page(LARGEST_SHOWN, RIGHT) == ()
    (warning,) = warnings_of_page(LARGEST_SHOWN + 1, RIGHT)
    assert (warning.code, warning.blocking, warning.recipients) == (MailWarningCode.CLIPPED, False, None)
    assert "about 100 KB" in warning.message
    assert "Gmail shows the first 102 KB" in warning.message


def test_tracking_lengthens_links() -> None:
    assert sent_size(LARGEST_SHOWN - LINK_GROWTH, 1) == LARGEST_SHOWN
    assert sent_size(LARGEST_SHOWN - LINK_GROWTH, 2) > LARGEST_SHOWN


@pytest.mark.parametrize(
    ("html", "images", "links"),
    [
        ('<img src="a.png"><p><img src="b.png"></p>', 2, 0),
        ('<img src="a.png" alt="A tap"><img src="line.png" alt="">', 0, 0),
        ('<!-- <img src="a.png"> --><style>img { }</style>', 0, 0),
        ('<a href="http://x.example/">x</a><map><area href=" HTTP://y.example"></map>', 0, 2),
        ('<a href="https://x.example/">x</a><a href="mailto:a@x.example">m</a><a href="#top">t</a><a>n</a>', 0, 0),
        ("", 0, 0),
    ],
)
def test_images_without_a_text_and_links_that_are_not_https_are_counted(html: str, images: int, links: int) -> None:
    found = page_faults(html)
    assert (found.images_without_alt, found.links_not_https) == (images, links)
    assert [one.code for one in warnings_of_page(0, found)] == [
        *[MailWarningCode.IMAGE_WITHOUT_ALT] * bool(images),
        *[MailWarningCode.LINK_NOT_HTTPS] * bool(links),
    ]


def test_the_first_link_is_named_and_cut() -> None:
    (warning,) = warnings_of_page(0, page_faults(f'<a href="http://x.example/{"y" * 5000}">x</a>'))
    assert warning.message.startswith("1 link is not https, http://x.example/yyy")
    assert len(warning.message) < 400


def test_one_is_not_many() -> None:
    (warning,) = warnings_of_page(0, PageFaults(images_without_alt=1))
    assert warning.message.startswith("1 image has no alt text")
    (warning,) = warnings_of_page(0, PageFaults(images_without_alt=3))
    assert warning.message.startswith("3 images have no alt text")


def test_what_lacks_a_postal_address_cannot_be_launched() -> None:
    warning = postal_address_missing("The sender has no postal address")
    assert (warning.blocking, warning.message[:40]) == (True, "The sender has no postal address, which ")


def test_values_without_a_field_are_named() -> None:
    assert "not used: discuont, x" in keys_unknown(["discuont", "x"]).message


# Where in the author's source ----------------------------------------------------------------------------------------

MJML = """<mjml><mj-body><mj-section><mj-column>
<!-- <mj-image src="https://x.example/c.png"/> -->
<mj-image src="https://x.example/a.png"/><mj-image src="https://x.example/b.png"/>
<mj-image src="https://x.example/b.png" alt="A tap"/>

<mj-button href=" HTTP://x.example/ ">Shop</mj-button>
<mj-button href="https://x.example/">Shop</mj-button><mj-text><a
  href='http://y.example'>y</a></mj-text></mj-column></mj-section></mj-body></mjml>"""


def test_a_warning_names_the_lines_of_the_source_each_once() -> None:
    html = '<img src="a"><a href="http://x.example/">x</a>'
    assert page_faults(html) == PageFaults(images_without_alt=1, links_not_https=1, first_link="http://x.example/")
    found = page_faults(html, MJML)
    images, links = warnings_of_page(0, found)
    assert (images.lines, links.lines) == ((3,), (6, 8))


def test_no_line_is_named_of_what_the_page_does_not_have() -> None:
    # Given a default for all images, which the source's images show nothing of
    found = page_faults('<img src="a" alt=""><a href="https://x.example">x</a>', MJML)
    assert (found.image_lines, found.link_lines) == ((), ())


def test_so_many_lines_are_named() -> None:
    source = '<img src="a">\n' * (MAX_LINES + 5)
    assert page_faults(source, source).image_lines == tuple(range(1, MAX_LINES + 1))


@given(st.text(alphabet="<img a href='\"=http:>/\n", max_size=80))
def test_any_source_has_its_lines(source: str) -> None:
    found = page_faults('<img src="a"><a href="http://x.example/">x</a>', source)
    for lines in (found.image_lines, found.link_lines):
        assert all(1 <= line <= source.count("\n") + 1 for line in lines)
        assert list(lines) == sorted(set(lines))
