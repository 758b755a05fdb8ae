"""What a person does about one mail, as far as the API's tests do not tell."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.deployment import Deployment
from gateway.errors import Refusal, RefusalCode
from gateway.mail.message import MessageRef
from gateway.outbox.actions import retry_to
from tests.builders import make_customer, make_message
from tests.engine import deployment

__all__ = ["deployment"]


@pytest.mark.parametrize(("status", "sent"), [("REFUSED", True), ("ACCEPTED", False), ("CANCELLED", False)])
async def test_only_mail_that_failed_is_sent_to_another_address(
    connection: Any, deployment: Deployment, status: str, sent: bool
) -> None:
    # Given a customer with another address than that of a mail
    customer = await make_customer(connection, addresses=["new@customer.example"])
    message = await make_message(connection, customer, status=status, cause="BAD_ADDRESS" if sent else None)
    ref = MessageRef(customer_id=customer, message_id=message)
    # When it is to go there
    refused = None
    try:
        await retry_to(connection, ref, "new@customer.example", "Kim", deployment)
    except Refusal as refusal:
        refused = refusal.code
    # Then it does, if it failed
    assert refused == (None if sent else RefusalCode.ILLEGAL_STATE)
    queued = await connection.fetch("select address from outbox")
    assert [row["address"] for row in queued] == (["new@customer.example"] if sent else [])
