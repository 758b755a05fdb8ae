"""What stands in DNS is read as receivers read it, and what they cannot use is named."""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.dns_records import (
    DkimRecord,
    DmarcRecord,
    RecordFault,
    dmarc_of,
    organisation_of,
    read_dkim_key,
    read_dmarc,
    read_spf,
    spf_of,
    tree_walk,
)

KEY = b64encode(b"a public key").decode()


def test_the_spf_record_is_found_among_other_texts() -> None:
    assert spf_of(["google-site-verification=x", "v=spf1 -all", "v=spf10 +all"]) == "v=spf1 -all"
    assert spf_of(["v=spf2.0/pra", ""]) is None
    with pytest.raises(RecordFault, match="several SPF records"):
        spf_of(["v=spf1 -all", "V=SPF1"])


@pytest.mark.parametrize(
    ("text", "terms", "everybody_else", "redirect"),
    [
        ("v=spf1", [], None, None),
        ("v=spf1 ip4:192.0.2.0/24 ~all", ["+ip4 192.0.2.0/24", "~all"], "~", None),
        ("v=spf1 ip6:2001:db8::1 ?all", ["+ip6 2001:db8::1/128", "?all"], "?", None),
        ("v=spf1 a mx:Mail.X.example. -all", ["+a", "+mx mail.x.example", "-all"], "-", None),
        ("v=spf1 include:_spf.x.example -ptr +all", ["+include _spf.x.example", "-ptr", "+all"], "+", None),
        ("v=spf1 redirect=_spf.x.example exp=why.x.example", [], None, "_spf.x.example"),
        ("v=spf1 -all redirect=_spf.x.example", ["-all"], "-", None),
        ("v=spf1 -all include:behind.x.example", ["-all"], "-", None),
        ("v=spf1 exists:%{i}.x.example -all", ["+exists %{i}.x.example", "-all"], "-", None),
    ],
)
def test_spf_is_read(text: str, terms: list[str], everybody_else: str | None, redirect: str | None) -> None:
    found = read_spf(text)
    shown = [f"{one.qualifier}{one.name} {one.network or one.domain or ''}".strip() for one in found.terms]
    assert (shown, found.all, found.redirect) == (terms, everybody_else, redirect)


def test_spf_reads_the_networks_around_hosts() -> None:
    a, both, six = read_spf("v=spf1 a/24 mx:x.example/28//64 a//48").terms
    assert [one.prefixes for one in (a, both, six)] == [(24, 128), (28, 64), (32, 48)]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("v=spf1 ip4:192.0.2.300 -all", "no network"),
        ("v=spf1 ip4:2001:db8::1 -all", "address of the other kind"),
        ("v=spf1 include: -all", "no domain"),
        ("v=spf1 a/33", "cannot read: a/33"),
        ("v=spf1 ipv4:192.0.2.1", "cannot read: ipv4:192.0.2.1"),
        ("v=spf1 include", "no domain"),
        ("v=spf1 redirect=", "no domain"),
        (f"v=spf1{' a' * 101}", "more than 100 terms"),
    ],
)
def test_spf_that_receivers_cannot_read_is_named(text: str, word: str) -> None:
    with pytest.raises(RecordFault, match=word):
        read_spf(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"v=DKIM1; k=rsa; p={KEY}", DkimRecord(key_type="rsa", key=b"a public key")),
        (f"p={KEY[:6]} {KEY[6:]};", DkimRecord(key_type="rsa", key=b"a public key")),
        (f"v=DKIM1; k=ed25519; h=sha1:sha256; s=email; p={KEY}", DkimRecord(key_type="ed25519", key=b"a public key")),
        (f"v=DKIM1; t=y:s; p={KEY}; n=note", DkimRecord(key_type="rsa", key=b"a public key", testing=True)),
    ],
)
def test_a_key_is_read(text: str, expected: DkimRecord) -> None:
    assert read_dkim_key(text) == expected


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("v=DKIM1; p=", "revoked"),
        ("v=DKIM1; k=rsa", "no p="),
        ("v=DKIM2; p=QQ==", "another version"),
        ("v=DKIM1; k=dsa; p=QQ==", "kind of key"),
        ("v=DKIM1; h=sha1; p=QQ==", "sha256"),
        ("v=DKIM1; s=other; p=QQ==", "not for mail"),
        ("v=DKIM1; p=%%%", "no base64"),
        ("v=DKIM1; p=QQ==; p=QQ==", "cannot be read here"),
        ("hello", "cannot be read here: hello"),
    ],
)
def test_a_key_that_verifiers_cannot_use_is_named(text: str, word: str) -> None:
    with pytest.raises(RecordFault, match=word):
        read_dkim_key(text)


def test_the_policy_is_found_and_read() -> None:
    text = dmarc_of(["v=spf1 -all", "v=DMARC1; p=Reject; adkim=s; aspf=r; psd=n; rua=mailto:a@x.example"])
    assert text is not None
    assert read_dmarc(text) == DmarcRecord(policy="reject", strict_dkim=True, strict_spf=False, psd="n")
    assert dmarc_of(["v=DMARC11; p=none"]) is None
    with pytest.raises(RecordFault, match="several DMARC records"):
        dmarc_of(["v=DMARC1; p=none", "v=DMARC1; p=reject"])


@pytest.mark.parametrize(("text", "word"), [("v=DMARC1", "no policy"), ("v=DMARC1; p=deny", "do not know")])
def test_a_policy_that_receivers_do_not_heed_is_named(text: str, word: str) -> None:
    with pytest.raises(RecordFault, match=word):
        read_dmarc(text)


def test_a_policy_is_looked_for_from_the_domain_upwards_at_eight_names_at_most() -> None:
    assert tree_walk("Mail.X.example.") == ("mail.x.example", "x.example", "example")
    deep = ".".join("abcdefghijkl")
    assert tree_walk(deep) == (deep, *(".".join("fghijkl"[place:]) for place in range(7)))


@pytest.mark.parametrize(
    ("domain", "found", "organisation"),
    [
        ("mail.x.example", [], "mail.x.example"),
        ("mail.x.example", [("x.example", "u")], "x.example"),
        ("mail.x.example", [("mail.x.example", "u"), ("x.example", "u")], "x.example"),
        ("mail.x.example", [("mail.x.example", "n"), ("x.example", "u")], "mail.x.example"),
        ("mail.x.co.example", [("x.co.example", "u"), ("co.example", "y")], "x.co.example"),
        ("mail.x.co.example", [("co.example", "y")], "x.co.example"),
        ("co.example", [("co.example", "y")], "co.example"),
    ],
)
def test_the_organisation_is_told_by_the_policies_and_no_list(
    domain: str, found: list[tuple[str, str]], organisation: str
) -> None:
    records = [(name, DmarcRecord(policy="none", psd=psd)) for name, psd in found]
    assert organisation_of(domain, records) == organisation


@given(st.text(max_size=300), st.sampled_from([read_spf, read_dkim_key, read_dmarc]))
def test_whatever_stands_there_is_read_or_named(text: str, read: object) -> None:
    assert callable(read)
    for given_text in (text, f"v=spf1 {text}", f"v=DKIM1; p={text}", f"v=DMARC1; {text}"):
        with suppress(RecordFault):
            read(given_text)
