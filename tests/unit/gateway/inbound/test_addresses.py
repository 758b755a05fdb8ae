"""Which addresses mail is taken for."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.inbound.addresses import Addresses, AddressKind, Rejection
from gateway.mail.keys import Keyring
from gateway.mail.message import MessageRef
from gateway.mail.tracking import (
    customer_address,
    read_customer_address,
    read_reply_address,
    read_return_path,
    reply_address,
    return_path,
)
from gateway.settings import parse_secret_key
from tests.builders import KEYRING
from tests.inbound import ADDRESSES, BOUNCES, OFFICE, REPLIES, TOKEN

REF = MessageRef(customer_id=42, message_id=UUID(int=7))
REPLY = reply_address(KEYRING, REPLIES, REF)
CUSTOMERS = customer_address(KEYRING, REPLIES, 42)
OTHERS = Keyring([parse_secret_key("k1:" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0NTY3ODk=")])


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        (TOKEN, AddressKind.RETURN_PATH),
        (TOKEN.upper(), AddressKind.RETURN_PATH),
        (f'"{TOKEN.partition("@")[0]}"@{BOUNCES}', AddressKind.RETURN_PATH),
        (REPLY, AddressKind.REPLY),
        (REPLY.title(), AddressKind.REPLY),
        (CUSTOMERS, AddressKind.REPLY),
        (CUSTOMERS.upper(), AddressKind.REPLY),
        (OFFICE, AddressKind.MAILBOX),
        (f'"o\\ffice"@{REPLIES.upper()}', AddressKind.MAILBOX),
        (f"complaints@{BOUNCES}", AddressKind.COMPLAINTS),
        (f"Postmaster@{BOUNCES}", AddressKind.POSTMASTER),
        (f"postmaster@{REPLIES}.", AddressKind.POSTMASTER),
        ("postmaster", AddressKind.POSTMASTER),
        # A token counts under its own domain alone.
        (f"{TOKEN.partition('@')[0]}@{REPLIES}", Rejection.UNKNOWN_RECIPIENT),
        (f"{REPLY.partition('@')[0]}@{BOUNCES}", Rejection.UNKNOWN_RECIPIENT),
        (f"{CUSTOMERS.partition('@')[0]}@{BOUNCES}", Rejection.UNKNOWN_RECIPIENT),
        (customer_address(OTHERS, REPLIES, 42), Rejection.UNKNOWN_RECIPIENT),
        (f"complaints@{REPLIES}", Rejection.UNKNOWN_RECIPIENT),
        (f"office@{BOUNCES}", Rejection.UNKNOWN_RECIPIENT),
        (return_path(OTHERS, BOUNCES, REF), Rejection.UNKNOWN_RECIPIENT),
        (f"@{BOUNCES}", Rejection.UNKNOWN_RECIPIENT),
        (f'""@{BOUNCES}', Rejection.UNKNOWN_RECIPIENT),
        (f"{'x' * 400}@{BOUNCES}", Rejection.UNKNOWN_RECIPIENT),
        (f"x@{'y' * 400}.example", Rejection.FOREIGN_DOMAIN),
        (f"office@sub.{REPLIES}", Rejection.FOREIGN_DOMAIN),
        (f"office@{REPLIES}@elsewhere.example", Rejection.FOREIGN_DOMAIN),
        ("office@[192.0.2.1]", Rejection.FOREIGN_DOMAIN),
        ("postmaster@elsewhere.example", Rejection.FOREIGN_DOMAIN),
        ("office", Rejection.FOREIGN_DOMAIN),
        ("", Rejection.FOREIGN_DOMAIN),
    ],
)
def test_an_address_is_ours_for_what_it_is_or_refused_for_what_it_is_not(
    address: str, kind: AddressKind | Rejection
) -> None:
    assert ADDRESSES.accepts(address) is kind


def test_an_international_domain_is_one_name_in_both_forms() -> None:
    ours = Addresses(keyring=KEYRING, bounce_domain=None, reply_domain="xn--bcher-kva.example", mailboxes=("office",))
    assert ours.accepts("office@bücher.example") is AddressKind.MAILBOX
    assert ours.accepts("office@xn--bcher-kva.example") is AddressKind.MAILBOX
    assert ours.accepts("office@bucher.example") is Rejection.FOREIGN_DOMAIN


def test_without_domains_nothing_is_ours() -> None:
    nobody = Addresses(keyring=KEYRING, bounce_domain=None, reply_domain=None, mailboxes=("office",))
    assert nobody.accepts(TOKEN) is Rejection.FOREIGN_DOMAIN
    assert nobody.accepts("office@") is Rejection.FOREIGN_DOMAIN


@given(st.text(max_size=300), st.sampled_from([f"@{BOUNCES}", f"@{REPLIES}", "", "@", "@[::1]", "@xn--"]))
def test_only_tokens_and_named_mailboxes_are_ours(local: str, domain: str) -> None:
    found = ADDRESSES.accepts(local + domain)
    if found in (AddressKind.RETURN_PATH, AddressKind.REPLY):
        readers = (read_return_path, read_reply_address, read_customer_address)
        assert any(read(KEYRING, local + domain) for read in readers)
    elif isinstance(found, AddressKind):
        assert local.strip('"').replace("\\", "").lower().strip() in ("office", "complaints", "postmaster")
