"""Signed tokens: what they say, what they refuse, and how long they may be."""

from __future__ import annotations

import hmac
import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail import base64url, tracking
from gateway.mail.keys import Keyring
from gateway.mail.message import MessageRef
from gateway.mail.tracking import (
    LONGEST_PUBLIC_URL,
    MAX_DESTINATION,
    Link,
    ReturnPath,
    ascii_url,
    click_url,
    customer_address,
    open_url,
    read_click,
    read_customer_address,
    read_open,
    read_reply_address,
    read_return_path,
    read_unsubscribe,
    reply_address,
    return_path,
    trackable,
    unsubscribe_url,
)
from gateway.settings import SecretKey

KEYRING = Keyring([SecretKey(id="k1", secret=b"s" * 32)])
PUBLIC = "https://mail.example.com"
REF = MessageRef(customer_id=42, message_id=UUID("01890000-0000-7000-8000-000000000001"))
PRICES = "https://shop.example/prices?id=7&lang=de#top"

refs = st.builds(MessageRef, customer_id=st.integers(1, 2**63 - 1), message_id=st.uuids())


def token_of(url: str) -> str:
    return url.split("/")[4]


def destination_of(url: str) -> bytes:
    destination = base64url.decode(url.split("/", 5)[5])
    assert destination is not None
    return destination


@given(refs)
def test_open_and_unsubscribe_tokens_carry_the_message(ref: MessageRef) -> None:
    assert read_open(KEYRING, token_of(open_url(KEYRING, PUBLIC, ref))) == ref
    assert read_unsubscribe(KEYRING, token_of(unsubscribe_url(KEYRING, PUBLIC, ref))) == ref


@given(refs, st.integers(0, 32767), st.text(max_size=50))
def test_a_click_carries_message_link_and_destination(ref: MessageRef, number: int, path: str) -> None:
    destination = f"https://shop.example/{path}"
    if not trackable(destination):
        return
    url = click_url(KEYRING, PUBLIC, ref, number, destination)
    assert url.isascii()
    assert destination_of(url).decode() == destination
    assert read_click(KEYRING, token_of(url), destination_of(url)) == Link(ref=ref, number=number)


SHORT_AND_LONG_KEYS = st.sampled_from(["k", "k1", "abc", "zz99"]).map(
    lambda key_id: Keyring([SecretKey(id=key_id, secret=b"s" * 32)])
)


@given(refs, st.integers(0, 100), st.integers(1, 300), SHORT_AND_LONG_KEYS)
def test_a_return_path_fits_rfc_5321_and_carries_recipient_and_attempt(
    ref: MessageRef, number: int, attempt: int, keyring: Keyring
) -> None:
    address = return_path(keyring, "mail.example.com", ref, number, attempt)
    assert len(address.split("@")[0]) <= 64
    assert address.split("@")[0].isalnum()
    read = ReturnPath(ref=ref, recipient_no=number, attempt=min(attempt, 255))
    assert read_return_path(keyring, address) == read
    assert read_reply_address(keyring, address) is None


@given(refs, SHORT_AND_LONG_KEYS)
def test_a_reply_address_fits_rfc_5321_and_carries_the_message(ref: MessageRef, keyring: Keyring) -> None:
    address = reply_address(keyring, "reply.example.com", ref)
    assert len(address.split("@")[0]) < 64
    assert address.split("@")[0].isalnum()
    assert read_reply_address(keyring, address) == ref
    assert read_return_path(keyring, address) is None


@given(st.integers(1, 2**63 - 1), SHORT_AND_LONG_KEYS)
def test_an_address_of_a_customer_names_them_and_no_message(customer_id: int, keyring: Keyring) -> None:
    address = customer_address(keyring, "reply.example.com", customer_id)
    assert len(address.split("@")[0]) < 64
    assert address.split("@")[0].isalnum()
    assert read_customer_address(keyring, address) == customer_id
    assert read_reply_address(keyring, address) is None
    assert read_return_path(keyring, address) is None


def test_no_token_is_read_as_one_of_another_kind() -> None:
    # A customer's number is signed apart: neither a message's token nor the customer's stands for the other
    own, replied = customer_address(KEYRING, "x.example", 42), reply_address(KEYRING, "x.example", REF)
    assert read_customer_address(KEYRING, f"c{replied[1:]}") is None
    assert read_reply_address(KEYRING, f"r{own[1:]}") is None
    assert read_customer_address(KEYRING, f"{own[:-11]}a@x.example") is None


def as_mail_servers_write(address: str) -> list[str]:
    local, _, domain = address.partition("@")
    return [
        *(address.upper(), address.title(), f" {address}\r\n", local, f"{local}@elsewhere.example"),
        *(f"<{address}>", f'"{local}"@{domain}', f'<"{local.upper()}"@{domain}>', f"\\{local}@{domain}"),
        *(f"<@mx.example,@hub.example:{address}>", f"prvs=0123AbCdEf={address}", f"prvs/0123abcdef/{address}"),
        f"btv1==123abc4=={address}",
    ]


def test_an_address_of_ours_is_read_however_mail_servers_write_it() -> None:
    bounced, replied = return_path(KEYRING, "fabrikam.com", REF, 2, 3), reply_address(KEYRING, "fabrikam.com", REF)
    for spelling in as_mail_servers_write(bounced):
        assert read_return_path(KEYRING, spelling) == ReturnPath(ref=REF, recipient_no=2, attempt=3), spelling
    own = customer_address(KEYRING, "fabrikam.com", 42)
    for spelling in as_mail_servers_write(own):
        assert read_customer_address(KEYRING, spelling) == 42, spelling
    for spelling in as_mail_servers_write(replied):
        assert read_reply_address(KEYRING, spelling) == REF, spelling


OLD_TOKENS = {
    "b2k1ageqaaaaabyabaaaaaaaaaaaaebsvq4y5564yyiaxzxgg@fabrikam.com": (42, 3),
    "b2k1ageqaaaaabyabaaaaaaaaaaaafsh777777777777tcinwbg64l7huiru@fabrikam.com": (2**63 - 1, 100),
}
"""Written by the first releases."""


@pytest.mark.parametrize("address", OLD_TOKENS)
def test_a_return_path_of_the_first_releases_is_read_and_names_no_attempt(address: str) -> None:
    customer_id, number = OLD_TOKENS[address]
    ref = MessageRef(customer_id=customer_id, message_id=REF.message_id)
    assert read_return_path(KEYRING, address.upper()) == ReturnPath(ref=ref, recipient_no=number, attempt=None)
    # nor does another first letter make its customer's first byte an attempt
    assert read_return_path(KEYRING, f"v{address[1:]}") is None
    assert read_reply_address(KEYRING, f"r{address[1:]}") is None
    assert read_return_path(KEYRING, f"b{return_path(KEYRING, 'x.example', REF)[1:]}") is None


@given(st.text(max_size=80), st.booleans())
def test_no_other_address_is_one_of_ours(text: str, prefixed: bool) -> None:
    address = f"v2k1{text}" if prefixed else text
    assert read_return_path(KEYRING, address) is None
    assert read_reply_address(KEYRING, f"r2k1{text}" if prefixed else text) is None
    assert read_customer_address(KEYRING, f"c2k1{text}" if prefixed else text) is None


@given(st.data())
def test_a_changed_letter_of_an_address_makes_it_nobodys(data: st.DataObject) -> None:
    local = return_path(KEYRING, "fabrikam.com", REF, 1, 2).partition("@")[0]
    place = data.draw(st.integers(0, len(local) - 1))
    other = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789").filter(lambda one: one != local[place]))
    assert read_return_path(KEYRING, f"{local[:place]}{other}{local[place + 1 :]}@fabrikam.com") is None


@given(refs)
def test_list_unsubscribe_stays_under_100_characters(ref: MessageRef) -> None:
    keyring = Keyring([SecretKey(id="zz99", secret=b"s" * 32)])
    assert len(unsubscribe_url(keyring, "https://".ljust(LONGEST_PUBLIC_URL, "a"), ref)) < 100


@given(st.data())
def test_a_flipped_cut_or_lengthened_token_says_nothing(data: st.DataObject) -> None:
    url = click_url(KEYRING, PUBLIC, REF, 3, PRICES)
    token = token_of(url)
    place = data.draw(st.integers(0, len(token) - 1))
    # `.` is the separator of the old form: what it separates is the same token
    other = data.draw(st.characters(exclude_characters=token[place] + "."))
    spoiled = data.draw(
        st.sampled_from(
            [token[:place], token[:place] + other + token[place + 1 :], token[:place] + other + token[place:]]
        )
    )
    assert read_click(KEYRING, spoiled, destination_of(url)) is None


def test_the_last_characters_spare_bits_make_no_second_spelling() -> None:
    token = token_of(open_url(KEYRING, PUBLIC, REF))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert [last for last in alphabet if read_open(KEYRING, token[:-1] + last)] == [token[-1]]


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=40), st.binary(max_size=200))
def test_the_mac_is_hmac_as_the_standard_library_has_it(key: bytes, body: bytes, tail: bytes) -> None:
    assert tracking._mac(key, body, tail) == hmac.digest(key, bytes([len(body)]) + body + tail, "sha256")


@given(st.binary(max_size=100))
def test_the_mac_covers_the_destination(destination: bytes) -> None:
    token = token_of(click_url(KEYRING, PUBLIC, REF, 3, PRICES))
    assert (read_click(KEYRING, token, destination) is not None) == (destination == PRICES.encode())


def test_no_token_serves_another_purpose() -> None:
    opened = token_of(open_url(KEYRING, PUBLIC, REF))
    clicked = token_of(click_url(KEYRING, PUBLIC, REF, 1, PRICES))
    left = token_of(unsubscribe_url(KEYRING, PUBLIC, REF))
    assert read_unsubscribe(KEYRING, opened) is None
    assert read_unsubscribe(KEYRING, clicked) is None
    assert read_open(KEYRING, left) is None
    assert read_click(KEYRING, left, b"") is None
    assert read_click(KEYRING, opened, b"") is None
    assert read_return_path(KEYRING, "b2k1" + opened.partition("-")[2].lower()) is None
    replied = reply_address(KEYRING, "reply.example", REF)
    assert read_return_path(KEYRING, f"b{replied[1:]}") is None
    assert read_return_path(KEYRING, f"v{replied[1:]}") is None


def test_tokens_outlive_a_rotation_and_die_with_their_key() -> None:
    old, new = SecretKey(id="k1", secret=b"s" * 32), SecretKey(id="k2", secret=b"t" * 32)
    token = token_of(open_url(Keyring([old]), PUBLIC, REF))
    bounced_to = return_path(Keyring([old]), "example.com", REF)
    assert read_open(Keyring([new, old]), token) == REF
    assert read_return_path(Keyring([new, old]), bounced_to) == ReturnPath(ref=REF, recipient_no=0, attempt=1)
    assert read_reply_address(Keyring([new, old]), reply_address(Keyring([old]), "example.com", REF)) == REF
    assert read_open(Keyring([new]), token) is None
    assert read_return_path(Keyring([new]), bounced_to) is None
    # and a stranger who guesses the key's id has not its secret
    assert read_open(Keyring([SecretKey(id="k1", secret=b"x" * 32)]), token) is None


@given(st.text(max_size=50))
def test_no_path_holds_what_proxies_and_link_finders_change(path: str) -> None:
    destination = f"https://shop.example/{path}"
    urls = [open_url(KEYRING, PUBLIC, REF), unsubscribe_url(KEYRING, PUBLIC, REF)]
    if trackable(destination):
        urls.append(click_url(KEYRING, PUBLIC, REF, 1, destination))
    assert all(re.fullmatch(r"/[ocu](/[A-Za-z0-9_-]+)+", url.removeprefix(PUBLIC)) for url in urls)


def test_an_old_mail_composes_again_with_its_own_key() -> None:
    old, new = SecretKey(id="k1", secret=b"s" * 32), SecretKey(id="k2", secret=b"t" * 32)
    first = click_url(Keyring([old]), PUBLIC, REF, 1, PRICES)
    assert click_url(Keyring([new, old]), PUBLIC, REF, 1, PRICES, key_id="k1") == first


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "ftp://example.com/",
        "//example.com/",
        "/prices",
        "https://",
        "https:///path",
        "data:text/html,x",
        "https://exa\nmple.com/",
        "https://[broken/",
        "https://example.com/" + "a" * MAX_DESTINATION,
        "https://example.com/\ud800",
        "https://xn--\u00ff.example/",
    ],
)
def test_only_web_links_of_a_sane_length_are_tracked(url: str) -> None:
    assert not trackable(url)
    with pytest.raises(ValueError, match="tracked"):
        click_url(KEYRING, PUBLIC, REF, 1, url)


def test_a_link_is_as_long_as_its_location() -> None:
    long = "https://example.com/" + "a" * (MAX_DESTINATION - 20)
    url = click_url(KEYRING, PUBLIC, REF, 1, long)
    assert read_click(KEYRING, token_of(url), destination_of(url)) == Link(ref=REF, number=1)
    assert trackable("https://example.com/" + "ü" * ((MAX_DESTINATION - 20) // 6))
    assert not trackable("https://example.com/" + "ü" * ((MAX_DESTINATION - 20) // 6 + 1))


def test_a_location_is_ascii_and_keeps_what_was_encoded() -> None:
    assert ascii_url("https://bücher.example:8080/straße?q=a b%20c#ü") == (
        "https://xn--bcher-kva.example:8080/stra%C3%9Fe?q=a%20b%20c%23%C3%BC".replace("c%23", "c#")
    )
    assert ascii_url(PRICES) == PRICES
