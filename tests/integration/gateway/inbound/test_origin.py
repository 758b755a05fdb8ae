"""Whose a received mail is: by token, Message-ID or address, in this order; what nothing tells waits for a person."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.deployment import Deployment
from gateway.inbound.reading import Joined, Unmatched
from gateway.mail.message import MessageRef
from gateway.mail.tracking import customer_address
from tests.builders import KEYRING, NOON, insert, make_message
from tests.replying import (
    OFFICE,
    REPLY_DOMAIN,
    deployment,
    events,
    letter,
    make_sent,
    message_id,
    receive,
    received,
    sent,
    settled_events,
    token_address,
)

__all__ = ["deployment", "sent"]


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        (OFFICE, "UNKNOWN_SENDER"),
        (f"r2k1{'a' * 45}@reply.example", "TOKEN_INVALID"),
        (f"b2k1{'a' * 45}@bounce.example", "TOKEN_INVALID"),
        (f"c2k1{'a' * 20}@reply.example", "TOKEN_INVALID"),
        (f"r2k1{'a' * 45}@elsewhere.example", "UNKNOWN_SENDER"),
        (None, "UNKNOWN_SENDER"),
    ],
)
async def test_mail_of_a_stranger_is_nobodys(
    to: str | None, reason: str, connection: Any, deployment: Deployment, sent: MessageRef
) -> None:
    # Even where it names a message of ours, as everybody who saw the mail can: a stranger writes into no history unseen
    raw = letter("stranger@elsewhere.example", in_reply_to=message_id(sent))
    assert await receive(connection, deployment, raw, to=to) == Unmatched(reason=reason)  # type: ignore[arg-type]  # its value
    assert await received(connection) == []
    assert await events(connection, sent) == []


async def test_an_answer_to_what_staff_wrote_joins_the_history_of_the_customer_it_was_written_to(
    connection: Any, deployment: Deployment, sent: MessageRef
) -> None:
    # Given an address for Reply-To of staff's own mail programs
    own = customer_address(KEYRING, REPLY_DOMAIN, sent.customer_id)
    # When the customer answers, and a colleague of theirs, in a thread that names a message of ours
    found = await receive(connection, deployment, letter(), to=own)
    other = letter("colleague@customer.example", in_reply_to=message_id(sent), message_id="<2@customer.example>")
    by_other = await receive(connection, deployment, other, to=None, mail_from=None)
    assert isinstance(by_other, Unmatched), "without the address a stranger writes into no history"
    again = await receive(connection, deployment, other.replace(b"<2@", b"<3@"), to=own)
    # Then both are in the history, and answer no message: nothing is settled by them
    for joined in (found, again):
        assert isinstance(joined, Joined)
        assert (joined.ref.customer_id, joined.matched_by) == (sent.customer_id, "TOKEN")
    assert [row["author"] for row in await received(connection)] == ["CUSTOMER", "OTHER"]
    assert await settled_events(connection, sent) == []
    # and one of a customer who does not exist waits for a person
    nobody = await receive(
        connection, deployment, letter(message_id="<4@x>"), to=customer_address(KEYRING, REPLY_DOMAIN, 10**9)
    )
    assert isinstance(nobody, Unmatched)


async def test_an_address_of_several_customers_needs_a_better_trace(connection: Any, deployment: Deployment) -> None:
    one, other = await make_sent(connection), await make_sent(connection)
    found = await receive(connection, deployment, letter())
    assert isinstance(found, Unmatched)
    assert found.reason == "SEVERAL_CUSTOMERS"
    # A Message-ID says which of them, and so does a token
    found = await receive(connection, deployment, letter(references=message_id(other), message_id="<2@x>"))
    assert isinstance(found, Joined)
    assert (found.ref.customer_id, found.matched_by) == (other.customer_id, "MESSAGE_ID")
    found = await receive(connection, deployment, letter(message_id="<3@x>"), to=token_address(one))
    assert isinstance(found, Joined)
    assert found.ref.customer_id == one.customer_id


async def test_a_token_is_believed_before_a_message_id_and_that_before_an_address(
    connection: Any, deployment: Deployment
) -> None:
    by_token = await make_sent(connection, addresses=("dora@customer.example",))
    by_id = await make_sent(connection)
    raw = letter(in_reply_to=message_id(by_id))
    found = await receive(connection, deployment, raw, to=token_address(by_token))
    assert isinstance(found, Joined)
    assert found.ref.customer_id == by_token.customer_id
    found = await receive(connection, deployment, letter(in_reply_to=message_id(by_id), message_id="<2@x>"))
    assert isinstance(found, Joined)
    assert (found.matched_by, found.ref.customer_id) == ("MESSAGE_ID", by_id.customer_id)
    found = await receive(connection, deployment, letter(message_id="<3@x>"))
    assert isinstance(found, Joined)
    assert (found.matched_by, found.ref.customer_id) == ("ADDRESS", by_id.customer_id)
    assert [row["answers_message_id"] for row in await received(connection)] == [
        by_token.message_id, by_id.message_id, None,
    ]  # fmt: skip


async def test_of_a_thread_the_newest_message_is_the_one_that_is_answered(
    connection: Any, deployment: Deployment, sent: MessageRef
) -> None:
    newer = MessageRef(
        customer_id=sent.customer_id,
        message_id=await make_message(connection, sent.customer_id, status="ACCEPTED", source_type="E_SIGNATURE"),
    )
    references = f"{message_id(sent)} <theirs@customer.example> {message_id(newer)} <x@customer.example>"
    await receive(connection, deployment, letter(references=references))
    (row,) = await received(connection)
    assert (row["answers_message_id"], row["source_type"]) == (newer.message_id, "E_SIGNATURE")


async def test_a_message_id_of_another_domain_or_of_internal_mail_is_none_of_ours(
    connection: Any, deployment: Deployment, sent: MessageRef
) -> None:
    internal = MessageRef(
        customer_id=sent.customer_id,
        message_id=await make_message(
            connection, sent.customer_id, status="ACCEPTED", internal=True, source_type=None,
            template_version_id=None, sender_version_id=None,
        ),
    )  # fmt: skip
    references = f"{message_id(sent, 'evil.example')} {message_id(internal)}"
    await receive(connection, deployment, letter(references=references))
    (row,) = await received(connection)
    assert row["answers_message_id"] is None


async def test_a_reader_of_a_copy_is_known_by_the_message_id_and_not_verified(
    connection: Any, deployment: Deployment, sent: MessageRef
) -> None:
    await insert(
        connection, "copy", customer_id=sent.customer_id, message_id=sent.message_id, recipient_no=1, role="CC",
        address="Boss@customer.example", status="ACCEPTED", decided_at=NOON, sent_at=NOON,
    )  # fmt: skip
    await receive(connection, deployment, letter("boss@customer.example", in_reply_to=message_id(sent)))
    (row,) = await received(connection)
    assert (row["author"], row["answers_message_id"]) == ("UNVERIFIED", sent.message_id)


async def test_a_token_in_a_header_counts_where_the_envelope_has_none(
    connection: Any, deployment: Deployment, sent: MessageRef
) -> None:
    found = await receive(connection, deployment, letter(to=f"Fabrikam <{token_address(sent)}>"), to=None)
    assert isinstance(found, Joined)
    assert found.matched_by == "TOKEN"
    (row,) = await received(connection)
    assert row["recipient"] == token_address(sent)


async def test_a_person_says_whose_a_mail_is_and_the_headers_what_it_answers(
    connection: Any, deployment: Deployment
) -> None:
    sent = await make_sent(connection, status="UNCERTAIN")
    raw = letter("stranger@elsewhere.example", in_reply_to=message_id(sent))
    found = await receive(connection, deployment, raw, customer_id=sent.customer_id, by="ann")
    assert isinstance(found, Joined)
    assert found.matched_by == "PERSON"
    (row,) = await received(connection)
    assert (row["author"], row["answers_message_id"]) == ("OTHER", sent.message_id)
    assert await events(connection, found.ref) == [("RECEIVED", "ann")]
    assert [actor for _, actor in await events(connection, sent)] == ["ann", "ann"]
    assert len(await settled_events(connection, sent)) == 1


async def test_a_person_says_which_message_is_answered(
    connection: Any, deployment: Deployment, sent: MessageRef
) -> None:
    other = await make_sent(connection, addresses=("dora@customer.example",))
    raw = letter(in_reply_to=message_id(other))
    said: dict[str, Any] = {"customer_id": sent.customer_id, "answers": sent.message_id, "by": "ann"}
    await receive(connection, deployment, raw, **said)
    # A message of another customer is not answered by this one's mail
    said = {"customer_id": sent.customer_id, "by": "ann"}
    await receive(connection, deployment, letter(in_reply_to=message_id(other), message_id="<2@x>"), **said)
    assert [(row["customer_id"], row["answers_message_id"]) for row in await received(connection)] == [
        (sent.customer_id, sent.message_id), (sent.customer_id, None),
    ]  # fmt: skip
