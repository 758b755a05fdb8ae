"""A message's key, and the Message-ID that names it."""

from __future__ import annotations

from uuid import UUID

from gateway.mail.message import MessageRef


def test_a_message_id_names_message_and_customer() -> None:
    ref = MessageRef(customer_id=42, message_id=UUID("01890000-0000-7000-8000-000000000001"))
    assert ref.header_id("fabrikam.com") == "<01890000000070008000000000000001.42@fabrikam.com>"
