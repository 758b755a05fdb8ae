"""The keyring: one key a purpose, rotation, and the addresses' key that never rotates."""

from __future__ import annotations

import pytest

from gateway.mail.keys import Keyring, Purpose, derive
from gateway.settings import SecretKey

OLD = SecretKey(id="k1", secret=b"o" * 32)
NEW = SecretKey(id="k2", secret=b"n" * 32)


def test_derivation_is_hkdf_sha256() -> None:
    # Given the extract-and-expand of RFC 5869 as `cryptography` implements it
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    expected = HKDF(algorithm=SHA256(), length=32, salt=b"customer-emails", info=b"open").derive(b"o" * 32)
    assert derive(b"o" * 32, Purpose.OPEN) == expected


def test_every_purpose_has_its_own_key() -> None:
    keyring = Keyring([OLD])
    keys = {keyring.sign_key(purpose)[1] for purpose in Purpose}
    assert len(keys) == len(Purpose)


def test_the_first_key_signs_and_all_verify() -> None:
    keyring = Keyring([NEW, OLD])
    assert keyring.sign_key(Purpose.OPEN) == ("k2", keyring.key("k2", Purpose.OPEN))
    assert keyring.key("k1", Purpose.OPEN) == Keyring([OLD]).key("k1", Purpose.OPEN)
    assert keyring.key("k9", Purpose.OPEN) is None


def test_rotation_leaves_the_key_of_addresses_alone() -> None:
    assert Keyring([NEW, OLD]).address_key == Keyring([OLD]).address_key
    assert Keyring([NEW]).address_key != Keyring([OLD]).address_key


def test_an_old_key_signs_when_asked_by_name_until_it_is_removed() -> None:
    assert Keyring([NEW, OLD]).sign_key(Purpose.CLICK, "k1")[0] == "k1"
    with pytest.raises(LookupError, match="k1"):
        Keyring([NEW]).sign_key(Purpose.CLICK, "k1")


def test_a_keyring_refuses_no_key_and_twin_ids_and_shows_no_secret() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Keyring([])
    with pytest.raises(ValueError, match="one id"):
        Keyring([OLD, SecretKey(id="k1", secret=b"x" * 32)])
    assert repr(Keyring([NEW, OLD])) == "Keyring(k2, k1)"
