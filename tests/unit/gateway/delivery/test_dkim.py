"""DKIM signatures hold in another implementation, break where they must, and bad keys are named."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from pathlib import Path

import dkim  # type: ignore[import-untyped]  # it ships no types
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from gateway.compose.signing_keys import read_pem
from gateway.delivery.dkim import Signer
from gateway.errors import SettingsError
from gateway.settings import DkimKey
from tests.unit.gateway.compose.test_individual import ALL, mail_of

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()
Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


def pem(key: Private) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def published(name: bytes, timeout: int = 5) -> bytes:
    """The TXT records, as DNS would answer."""
    if name == b"r1._domainkey.fabrikam.example.":
        spki = RSA.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return b"v=DKIM1; k=rsa; p=" + b64encode(spki)
    if name == b"e1._domainkey.fabrikam.example.":
        raw = ED25519.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return b"v=DKIM1; k=ed25519; p=" + b64encode(raw)
    return b""


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    home = tmp_path_factory.mktemp("keys")
    keys = []
    for selector, key in (("r1", RSA), ("e1", ED25519)):
        (home / selector).write_bytes(pem(key))
        keys.append(DkimKey(domain="fabrikam.example", selector=selector, path=str(home / selector)))
    return Signer.from_settings(keys)


def verified(mail: bytes) -> list[bool]:
    """What an independent verifier says of each signature."""
    count = len(re.findall(rb"^DKIM-Signature:", mail, re.MULTILINE))
    return [holds(mail, number) for number in range(count)]


def holds(mail: bytes, number: int) -> bool:
    try:
        return bool(dkim.DKIM(mail).verify(idx=number, dnsfunc=published))
    except dkim.ValidationError:  # the body's hash differs
        return False


@pytest.mark.parametrize("name", ALL)
def test_every_mail_is_signed_by_both_keys_and_both_hold(signer: Signer, name: str) -> None:
    signed = signer.sign(mail_of(name), "fabrikam.example")
    assert signed.endswith(mail_of(name))
    assert verified(signed) == [True, True]


@given(st.binary(max_size=300), st.integers(min_value=0, max_value=4))
def test_any_body_holds(signer: Signer, body: bytes, empty_lines: int) -> None:
    text = b64encode(body) + b"\r\n" * empty_lines
    mail = b"From: a@fabrikam.example\r\nSubject:  x\r\n \ty  z \r\n\r\n" + text
    assert verified(signer.sign(mail, "fabrikam.example")) == [True, True]


@pytest.mark.parametrize(
    ("found", "put"),
    [(b"News for Ann", b"News for Bob"), (b"One-Click", b"Two-Click"), (b"/u/k1", b"/u/k2"), (b"look", b"LOOK"),
     (b"From: Fab", b"From: evil@example.com\r\nFrom: Fab"), (b"Subject: News", b"Subject: Evil\r\nSubject: News")],
)  # fmt: skip
def test_a_changed_mail_does_not_hold(signer: Signer, found: bytes, put: bytes) -> None:
    signed = signer.sign(mail_of("campaign"), "fabrikam.example")
    assert verified(signed.replace(found, put, 1)) == [False, False]


HEADERS = {
    "From": "Fab <a@fabrikam.example>", "To": "b@x.example", "Cc": "c@x.example", "Subject": "News",
    "Date": "Mon, 23 Nov 2026 12:00:00 +0000", "Message-ID": "<1@fabrikam.example>", "Reply-To": "r@fabrikam.example",
    "MIME-Version": "1.0", "Content-Type": "text/plain", "List-Unsubscribe": "<https://x.example/u/1>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "Feedback-ID": "1:2:3",
}  # fmt: skip
"""Every header that a signature must cover."""


def mail_with(headers: dict[str, str], *first: str) -> bytes:
    lines = [*first, *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", "Hello", ""]).encode()


@pytest.mark.parametrize("name", HEADERS)
def test_no_signed_header_can_be_changed_or_taken_away(signer: Signer, name: str) -> None:
    signed = signer.sign(mail_with(HEADERS), "fabrikam.example")
    assert verified(signed) == [True, True]
    line = f"\r\n{name}: {HEADERS[name]}".encode()
    assert verified(signed.replace(line, line + b"x")) == [False, False]
    if name not in ("From", "Subject", "Date", "To"):  # without which a verifier may refuse the mail as a whole
        assert verified(signed.replace(line, b"")) == [False, False]


@pytest.mark.parametrize("name", ["From", "To", "Subject", "Date", "Reply-To"])
def test_no_second_one_can_be_put_in_front_of_what_readers_see(signer: Signer, name: str) -> None:
    without = {each: value for each, value in HEADERS.items() if each != name or name == "From"}
    for mail in (mail_with(HEADERS), mail_with(without)):
        signed = signer.sign(mail, "fabrikam.example")
        assert verified(signed) == [True, True]
        added = signed.replace(b"\r\nMessage-ID", f"\r\n{name}: evil@x.example\r\nMessage-ID".encode())
        assert verified(added) == [False, False]


def test_refolded_headers_still_hold(signer: Signer) -> None:
    signed = signer.sign(mail_of("campaign"), "fabrikam.example")
    folded = signed.replace(b"Subject: News for", b"subject:   News\r\n\tfor", 1)
    assert verified(folded) == [True, True]


def test_a_subdomain_is_signed_by_the_domain_above_and_strangers_are_not(signer: Signer) -> None:
    assert verified(signer.sign(mail_of("card"), "Mail.Fabrikam.example")) == [True, True]
    assert signer.sign(mail_of("card"), "example") == mail_of("card")
    assert signer.sign(mail_of("card"), "other.example") == mail_of("card")


def test_a_mail_signs_the_same_bytes_twice_with_ed25519(signer: Signer) -> None:
    mail = mail_of("campaign")
    assert signer.sign(mail, "fabrikam.example") == signer.sign(mail, "fabrikam.example")


@given(st.binary(max_size=300))
def test_a_signature_of_libsodium_is_that_of_openssl(header: bytes) -> None:
    """The verifier above is libsodium, too. RFC 8463 3: what is signed is a SHA-256."""
    key = read_pem(pem(ED25519))
    assert key.sign(header) == ED25519.sign(hashlib.sha256(header).digest())


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "cannot be read"), (b"no key", "no unencrypted private key"), (b"", "no unencrypted private key"),
     (pem(ec.generate_private_key(ec.SECP256R1())), "neither RSA nor ed25519")],
)  # fmt: skip
def test_a_bad_key_file_is_named(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "mail.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        Signer.from_settings([DkimKey(domain="fabrikam.example", selector="s", path=str(path))])
    assert says in str(refused.value)
    assert str(path) in str(refused.value)


def test_no_key_shows_itself(signer: Signer) -> None:
    assert repr(signer) == "Signer(fabrikam.example)"
    assert "PRIVATE" not in repr(signer.keys_of("fabrikam.example"))
