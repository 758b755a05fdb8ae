"""Senders in the ledger: versioned, checked, the default one made of its setting."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from gateway.compose import sender_profiles
from gateway.errors import Refusal, RefusalCode

NO_CONNECTION: Any = None
"""What is refused is refused before the database is asked."""


async def test_a_sender_has_versions_and_the_newest_is_used(connection: Any) -> None:
    first = await sender_profiles.create(
        connection, name="Sales", from_address="Kim@Fabrikam.com", from_name="Fabrikam"
    )
    same = await sender_profiles.create(connection, name="Sales", from_address="Kim@fabrikam.com", from_name="Fabrikam")
    second = await sender_profiles.create(
        connection, name="Sales", from_address="sales@fabrikam.com", postal_address="1 Road"
    )
    assert same == first
    assert first.mailbox == "Fabrikam <Kim@fabrikam.com>"
    assert await sender_profiles.current(connection, first.sender_id, default_from="x@y.example") == second
    assert await sender_profiles.load(connection, first.id) == first


async def test_the_default_sender_is_made_of_its_setting_once(pool: asyncpg.Pool[Any]) -> None:
    async def default(text: str) -> sender_profiles.SenderVersion:
        async with pool.acquire() as connection:
            return await sender_profiles.current(connection, None, default_from=text)

    made = await asyncio.gather(*(default("Fabrikam <hello@fabrikam.example>") for _ in range(4)))
    assert len({version.id for version in made}) == 1
    assert (made[0].from_name, made[0].from_address) == ("Fabrikam", "hello@fabrikam.example")
    assert (await default("other@fabrikam.example")).id != made[0].id


async def test_names_of_senders_are_tidied(connection: Any) -> None:
    made = await sender_profiles.create(
        connection, name=" Sales  \u202eteam", from_address="a@fabrikam.com", from_name="Fabrikam  \u2066Ltd\u2069 "
    )
    assert (made.name, made.mailbox) == ("Sales team", "Fabrikam Ltd <a@fabrikam.com>")
    default = await sender_profiles.current(connection, None, default_from="Fabrikam  \u202eLtd <a@fabrikam.com>")
    assert default.from_name == "Fabrikam Ltd"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"name": "default"}, RefusalCode.CONFLICT, "name"),
        ({"name": ""}, RefusalCode.REQUIRED, "name"),
        ({"from_name": "a\r\nb"}, RefusalCode.HEADER_INJECTION, "fromName"),
        ({"from_address": "a@b"}, RefusalCode.ADDRESS_INVALID, "fromAddress"),
        ({"from_address": "jörg@fabrikam.com"}, RefusalCode.ADDRESS_INVALID, "fromAddress"),
        ({"reply_to": "nobody"}, RefusalCode.ADDRESS_INVALID, "replyTo"),
        ({"time_zone": "Mars"}, RefusalCode.INVALID, "timeZone"),
        ({"locale": "??"}, RefusalCode.INVALID, "locale"),
        ({"signature": "4111 1111 1111 1111"}, RefusalCode.CARD_NUMBER, "signature"),
        ({"postal_address": "x" * 501}, RefusalCode.TOO_LONG, "postalAddress"),
    ],
)
async def test_a_bad_sender_is_refused_before_the_ledger_hears_of_it(
    changes: dict[str, Any], code: RefusalCode, field: str
) -> None:
    with pytest.raises(Refusal) as refused:
        await sender_profiles.create(NO_CONNECTION, **{"name": "Sales", "from_address": "sales@fabrikam.com"} | changes)
    assert (refused.value.code, refused.value.field) == (code, (field,))


async def test_an_unknown_sender_is_refused(connection: Any) -> None:
    with pytest.raises(Refusal) as refused:
        await sender_profiles.current(connection, UUID(int=5), default_from="a@b.example")
    assert refused.value.code is RefusalCode.NOT_FOUND
