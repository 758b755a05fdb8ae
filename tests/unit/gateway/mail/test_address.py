"""Addresses: which are taken, in which normal form, under which key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refusal, RefusalCode
from gateway.mail.address import address_key, parse_address, split_mailbox, suggest_typo, with_a_labels

KEY = b"k" * 32


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("Ann.Lee@Fabrikam.COM", "Ann.Lee@fabrikam.com"),
        ('"quoted local"@example.com', '"quoted local"@example.com'),
        ("jörg@bücher.de", "jörg@xn--bcher-kva.de"),
        ("ann+tag@mail.fabrikam.co.uk", "ann+tag@mail.fabrikam.co.uk"),
        (" ann@fabrikam.com ", "ann@fabrikam.com"),
    ],
)
def test_a_good_address_is_taken_in_its_normal_form(written: str, normal: str) -> None:
    assert parse_address(written, allow_reserved=False).text == normal
    assert with_a_labels(written) == normal


@pytest.mark.parametrize(
    "written",
    ["", "a@b", "x@localhost", "@fabrikam.com", "ann", "ann@", "a b@fabrikam.com", "ann@-x.com", "a..b@fabrikam.com",
     "ann@fabrikam..com", "Ann <ann@fabrikam.com>", "ann@printer.local", "ann@[10.0.0.1]", "a" * 65 + "@fabrikam.com",
     "a@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 63 + "." + "e" * 63 + ".com"],
)  # fmt: skip
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_address(written, allow_reserved=True, field=("address",))
    with_a_labels(written)
    assert refused.value.code is RefusalCode.ADDRESS_INVALID
    assert refused.value.field == ("address",)


@pytest.mark.parametrize(
    "written", ["x@y.test", "x@firm.example", "x@firm.invalid", "x@deep.firm.localhost", "x@Y.TEST"]
)
def test_a_reserved_name_is_refused_unless_allowed(written: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_address(written, allow_reserved=False)
    assert refused.value.code is RefusalCode.ADDRESS_RESERVED
    assert parse_address(written, allow_reserved=True).text == written.lower()


@pytest.mark.parametrize("broken", ["ann@fabrikam.com\r\nBcc: x@evil.com", "ann\n@fabrikam.com", "ann\0@fabrikam.com"])
def test_a_line_break_in_an_address_is_header_injection(broken: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_address(broken, allow_reserved=True)
    assert refused.value.code is RefusalCode.HEADER_INJECTION


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        address = parse_address(text, allow_reserved=True)
    except Refusal:
        return
    assert address.domain.isascii()
    assert parse_address(address.text, allow_reserved=True) == address


@given(st.emails())
def test_reading_the_normal_form_again_changes_nothing(email: str) -> None:
    try:
        address = parse_address(email, allow_reserved=True)
    except Refusal:
        return
    assert parse_address(address.text, allow_reserved=True) == address
    assert address_key(address.text, KEY) == address_key(address.text.upper(), KEY)


def test_only_a_local_part_beyond_ascii_needs_smtputf8() -> None:
    assert parse_address("jörg@bücher.de", allow_reserved=False).needs_smtputf8
    assert not parse_address("jorg@bücher.de", allow_reserved=False).needs_smtputf8


def test_one_address_has_one_key_however_it_is_written() -> None:
    assert address_key("Jörg@bücher.de", KEY) == address_key("jörg@xn--bcher-kva.de", KEY)
    assert address_key("ann@fabrikam.com", KEY) != address_key("ann@fabrikam.com", b"l" * 32)
    assert len(address_key("ann@fabrikam.com", KEY)) == 32


@pytest.mark.parametrize(
    ("domain", "meant"),
    [("gmial.com", "gmail.com"), ("gmail.con", "gmail.com"), ("gmai.com", "gmail.com"), ("gmail.co", "gmail.com"),
     ("hotmial.com", "hotmail.com"), ("yaho.com", "yahoo.com"), ("outlok.com", "outlook.com"), ("firm.con", "firm.com"),
     ("gmail.com", None), ("ymail.com", None), ("mail.com", None), ("fabrikam.com", None), ("web.de", None)],
)  # fmt: skip
def test_a_slip_of_a_finger_gets_a_suggestion(domain: str, meant: str | None) -> None:
    assert suggest_typo(domain) == meant


PROVIDERS = [
    "gmail.com", "googlemail.com", "hotmail.com", "hotmail.co.uk", "outlook.com", "yahoo.com", "yahoo.co.uk",
    "icloud.com", "comcast.net", "verizon.net", "protonmail.com", "sbcglobal.net", "bellsouth.net", "btinternet.com",
    "t-online.de", "freenet.de", "orange.fr", "wanadoo.fr", "libero.it",
]  # fmt: skip


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_slip_in_any_large_providers_name_gets_its_name(provider: str) -> None:
    swapped = f"{provider[1]}{provider[0]}{provider[2:]}"
    for slip in (swapped, f"x{provider}", f"{provider}x", f"x{provider[1:]}", provider[:-1], provider.upper() + "X"):
        assert suggest_typo(slip) == provider, slip
    assert suggest_typo(provider) is None
    # Two slips may be another firm's name
    assert suggest_typo(f"xx{provider}") is None
    assert suggest_typo(f"xy{provider[2:]}") is None
    assert suggest_typo(f"{provider[0]}{provider[3]}{provider[2]}{provider[1]}{provider[4:]}") is None


@pytest.mark.parametrize(
    "name",
    ["mail.com", "email.com", "ymail.com", "gmx.com", "outlook.de", "outlook.fr", "outlook.es", "yahoo.ca", "wev.de"],
)
def test_a_real_providers_name_is_no_slip(name: str) -> None:
    assert suggest_typo(name) is None


@pytest.mark.parametrize(
    ("ending", "meant"),
    [("con", "com"), ("cmo", "com"), ("ocm", "com"), ("vom", "com"), ("comm", "com"), ("ent", "net")],
)
def test_a_slip_in_the_ending_is_one_of_any_name(ending: str, meant: str) -> None:
    assert suggest_typo(f"fabrikam.{ending}") == f"fabrikam.{meant}"


def test_two_slips_one_of_them_in_the_ending_are_both_seen() -> None:
    assert suggest_typo("gmial.con") == "gmail.com"


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [("Fabrikam <hello@fabrikam.com>", "Fabrikam", "hello@fabrikam.com"), ("a@b.com", None, "a@b.com"),
     ('"Fab, Inc" <a@b.com>', "Fab, Inc", "a@b.com"), ("<a@b.com>", None, "a@b.com")],
)  # fmt: skip
def test_a_mailbox_splits_into_name_and_address(text: str, name: str | None, address: str) -> None:
    assert split_mailbox(text) == (name, address)


def test_a_domain_in_wide_letters_is_the_same_for_a_key() -> None:
    assert address_key("ann@\uff46abrikam.example", KEY) == address_key("ann@fabrikam.example", KEY)
