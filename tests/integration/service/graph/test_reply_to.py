"""The address of ours by which mail joins one customer's history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.mail.tracking import read_customer_address
from gateway.settings import Settings
from service.graph.context import Context
from tests.builders import KEYRING, make_customer
from tests.integration.service.graph.test_history import ask
from tests.replying import REPLY_DOMAIN, replying

MakeContext = Callable[..., Context]
QUERY = "query($id: ID!) { customer(id: $id) { replyTo } }"


async def test_a_customer_has_an_address_for_reply_to_where_there_is_a_domain_for_replies(
    pool: Any, make_context: MakeContext, settings: Settings
) -> None:
    for customer in [await make_customer(pool) for _ in range(2)]:
        data, errors = await ask(make_context(deployment=replying(settings)), QUERY, id=f"Customer_{customer}")
        assert errors == []
        address = data["customer"]["replyTo"]
        assert address.endswith(f"@{REPLY_DOMAIN}")
        assert read_customer_address(KEYRING, address) == customer
        data, _ = await ask(make_context(), QUERY, id=f"Customer_{customer}")
        assert data["customer"] == {"replyTo": None}
