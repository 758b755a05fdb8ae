"""Senders in the ledger: versioned, checked, the default one made of its setting."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from gateway.compose import sender_profiles
from gateway.compose.sender_profiles import AddressRules
from gateway.errors import Refusal, RefusalCode, Refusals

RULES = AddressRules(bounce_domain="bounce.fabrikam.com", reply_domain="reply.fabrikam.com")
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


async def test_all_that_is_wrong_with_a_sender_is_said_at_once() -> None:
    with pytest.raises(Refusals) as refused:
        await sender_profiles.create(
            NO_CONNECTION,
            name="Sales",
            from_address="nobody",
            time_zone="Mars",
            track_replies=True,
            forward_replies_to="office",
        )
    found = {(refusal.code, refusal.field) for refusal in refused.value.refusals}
    assert found == {
        (RefusalCode.ADDRESS_INVALID, ("fromAddress",)),
        (RefusalCode.INVALID, ("timeZone",)),
        (RefusalCode.INVALID, ("trackReplies",)),  # REPLY_DOMAIN is not set
        (RefusalCode.ADDRESS_INVALID, ("forwardRepliesTo",)),
    }


@pytest.mark.parametrize(
    "address", ["x@reply.fabrikam.com", "x@Bounce.Fabrikam.com", "x@mx.reply.fabrikam.com", "jörg@fabrikam.com"]
)
async def test_replies_are_forwarded_to_no_domain_that_mail_comes_back_to(address: str) -> None:
    with pytest.raises(Refusal) as refused:
        await sender_profiles.create(
            NO_CONNECTION, name="Sales", from_address="a@fabrikam.com", forward_replies_to=address, rules=RULES
        )
    assert refused.value.field == ("forwardRepliesTo",)


async def test_a_changed_sender_is_a_new_version_and_what_is_omitted_stays(connection: Any) -> None:
    first = await sender_profiles.create(
        connection, name="Sales", from_address="a@fabrikam.com", from_name="Fabrikam", signature="Kim", rules=RULES
    )
    changes = {"track_replies": True, "forward_replies_to": "Office@fabrikam.com", "signature": None}
    second = await sender_profiles.update(connection, first.sender_id, changes, rules=RULES)
    assert second.id != first.id
    assert (second.track_replies, second.forward_replies_to, second.signature) == (True, "Office@fabrikam.com", None)
    assert (second.name, second.mailbox) == ("Sales", "Fabrikam <a@fabrikam.com>")
    # the first is as it was, for the mail that has it
    assert await sender_profiles.load(connection, first.id) == first
    assert not first.track_replies
    # and the same again is no version
    assert await sender_profiles.update(connection, first.sender_id, changes, rules=RULES) == second
    # an address of the sender's may change where REPLY_DOMAIN was unset meanwhile
    third = await sender_profiles.update(connection, first.sender_id, {"reply_to": "b@fabrikam.com"})
    assert (third.track_replies, third.reply_to) == (True, "b@fabrikam.com")


async def test_the_default_sender_tracks_replies_and_keeps_its_from(connection: Any) -> None:
    made = await sender_profiles.current(connection, None, default_from="hello@fabrikam.com")
    await sender_profiles.update(connection, made.sender_id, {"track_replies": True}, rules=RULES)
    with pytest.raises(Refusal) as refused:
        await sender_profiles.update(connection, made.sender_id, {"from_name": "Fabrikam"}, rules=RULES)
    assert refused.value.code is RefusalCode.CONFLICT
    # When the setting changes, then only From does
    moved = await sender_profiles.current(connection, None, default_from="Fabrikam <office@fabrikam.com>")
    assert (moved.mailbox, moved.track_replies) == ("Fabrikam <office@fabrikam.com>", True)


@pytest.mark.parametrize("field", ["from_address", "locale", "time_zone", "track_replies"])
async def test_what_a_sender_needs_cannot_be_cleared(connection: Any, field: str) -> None:
    made = await sender_profiles.create(connection, name="Sales", from_address="a@fabrikam.com")
    with pytest.raises(Refusal) as refused:
        await sender_profiles.update(connection, made.sender_id, {field: None}, rules=RULES)
    assert refused.value.code is RefusalCode.REQUIRED
    with pytest.raises(Refusal, match="no such sender"):
        await sender_profiles.update(connection, UUID(int=5), {"signature": None})


async def test_an_unknown_sender_is_refused(connection: Any) -> None:
    with pytest.raises(Refusal) as refused:
        await sender_profiles.current(connection, UUID(int=5), default_from="a@b.example")
    assert refused.value.code is RefusalCode.NOT_FOUND
