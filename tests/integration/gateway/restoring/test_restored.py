"""`python -m gateway restored`: what waited is UNCERTAIN, nothing goes on by itself, and it is done once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from gateway.__main__ import main
from gateway.campaigns import drafts, events, expansion, freezing, lifecycle
from gateway.deployment import Deployment
from gateway.mail.action_tokens import BulkMessageAction
from gateway.mail.campaign import UncertainDecision
from gateway.mail.message import MessageRef
from gateway.outbox import actions, bulk_actions, undoing
from gateway.outbox.claim import Claimed
from gateway.outbox.recovery import RESTORED_ADVICE, recover_lost, requeue_unsent
from gateway.restoring import restored
from gateway.restoring.memory import PositionMemory
from gateway.restoring.restored import Restored, RestoreRefused, say_restored
from gateway.restoring.watch import RESTORE_UNFINISHED
from tests.builders import NOON, insert, make_customer
from tests.engine import attempts_of, deployment, queue_mail, state_of
from tests.integration.gateway.campaigns.deciding import amiss, carry_out, retry, sent, settle
from tests.integration.gateway.campaigns.orders import order, running, status_of, tally
from tests.integration.gateway.campaigns.test_events import event, waiting_campaign
from tests.integration.gateway.outbox.many import mails, preview
from tests.integration.gateway.outbox.test_claim import take
from tests.integration.gateway.outbox.test_outcomes import outcome, write
from tests.integration.gateway.outbox.test_outcomes import sent as sent_one
from tests.integration.gateway.restoring.ledgers import go_back, memory, pass_seconds, watch

__all__ = ["deployment", "memory"]


async def went_back(connection: Any, memory: PositionMemory) -> None:
    """A gateway has seen more of this ledger than there is."""
    await watch(memory).begin(connection)
    await pass_seconds(connection, 1)
    await watch(memory).begin(connection)
    await go_back(connection)


async def say(connection: Any, deployment: Deployment, memory: PositionMemory, **values: Any) -> Restored | None:
    return await say_restored(connection, deployment, memory, actor="Dana", **values)


async def waiting(connection: Any) -> int:
    return int(await connection.fetchval("select count(*) from outbox"))


async def states(connection: Any) -> Counter[tuple[str, str | None]]:
    """How many messages and copies are what, and why."""
    rows = await connection.fetch(
        "select status::text, cause::text from message union all select status::text, cause::text from copy"
    )
    return Counter(tuple(row) for row in rows)


# Individual mail ---------------------------------------------------------------------------------------------------


async def test_whatever_waits_is_uncertain_as_one_incident_and_says_why(
    connection: Any, deployment: Deployment, memory: PositionMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a ledger that went back, in which mail waits: new, with a copy, deferred, leased, handed off, parked
    monkeypatch.setattr(restored, "BATCH", 2)
    refs = [await queue_mail(connection, deployment, f"a{n}@customer.example") for n in range(6)]
    key = {"customer_id": refs[0].customer_id, "message_id": refs[0].message_id, "recipient_no": 1}
    await insert(connection, "copy", **key, role="CC", address="b@x.example")
    await connection.execute(
        "insert into outbox (customer_id, message_id, recipient_no, lane_id, address, address_key, domain, expires_at)"
        " select customer_id, message_id, 1, lane_id, address, address_key, domain, expires_at from outbox"
        " where message_id = $1",
        refs[0].message_id,
    )
    await connection.execute(
        "update outbox set attempt = 3, scheduled = true, due_at = now() + interval '1 hour' where message_id = $1",
        refs[1].message_id,
    )
    await take(connection, max_leased=2)
    await connection.execute(
        "update outbox set due_at = now() + interval '1 day' where message_id = $1", refs[5].message_id
    )
    await went_back(connection, memory)

    # When a person says that it was restored
    done = await say(connection, deployment, memory)

    # Then none of it waits, and each says what happened, by whom
    assert done == Restored(uncertain=7, made=0, campaigns_paused=0, retries_called_off=0, not_made=0)
    assert await waiting(connection) == 0
    assert await states(connection) == {("UNCERTAIN", "RESTORED"): 7}
    rows = await connection.fetch("select kind::text, actor, data from event where kind = 'UNCERTAIN' order by id")
    assert [(row["actor"], row["data"]["restore"]) for row in rows] == [("Dana", 1)] * 7
    assert sorted(row["data"]["attempt"] for row in rows) == [1, 1, 1, 1, 1, 1, 3]
    assert {row["advice"] for row in await connection.fetch("select advice from message")} == {RESTORED_ADVICE}
    # And all of it is uncertain since one moment, so that it is one incident
    assert await connection.fetchval("select count(distinct since) from message_trouble") == 1
    assert await amiss(connection) == []


async def test_a_person_settles_it_and_takes_that_back(
    connection: Any, deployment: Deployment, memory: PositionMemory
) -> None:
    # Given mail that is uncertain after a restore
    first, second = [await queue_mail(connection, deployment, f"a{n}@customer.example") for n in range(2)]
    await went_back(connection, memory)
    await say(connection, deployment, memory)
    # When one is taken for sent, and that is taken back
    await actions.assume_sent(connection, first, "Ann", deployment)
    assert (await state_of(connection, first))["state"] == "ACCEPTED"
    await undoing.undo(connection, first, "Ann", deployment)
    # Then it is uncertain for the same reason as before
    again = await state_of(connection, first)
    assert (again["state"], again["cause"], again["advice"]) == ("UNCERTAIN", "RESTORED", RESTORED_ADVICE)
    # And when the other is sent again, it is another attempt
    await actions.retry(connection, second, "Ann", deployment)
    assert (await state_of(connection, second))["next_attempt"] == 2


async def test_what_a_worker_still_knows_settles_it(
    connection: Any, deployment: Deployment, memory: PositionMemory
) -> None:
    """Its flight recorder outlived the ledger's last moments."""
    # Given a mail that was handed off after the moment of the copy, in which it waits for the same attempt
    row = await sent_one(connection)
    lost = await sent_one(connection)
    await connection.execute("update outbox set lease_owner = null, lease_until = null, handed_off_at = null")
    # And one that the ledger does not know any more
    for table in ("outbox", "message"):
        await connection.execute(f"delete from {table} where customer_id = $1", lost.customer_id)  # noqa: S608 - a constant
    await went_back(connection, memory)
    await say(connection, deployment, memory)
    # When the answers come
    assert await write(connection, outcome(row), outcome(lost)) == 0
    # Then the one is sent, with the server's words, and of the other nothing is written
    assert (await state_of(connection, row.ref))["state"] == "ACCEPTED"
    [attempt] = await attempts_of(connection, row.ref)
    assert attempt["response"] == "2.0.0 Ok"
    assert await connection.fetchval("select count(*) from attempt where customer_id = $1", lost.customer_id) == 0
    # And what was not sent, or nobody knows, changes nothing
    for gone in (row, lost):
        assert await requeue_unsent(connection, [gone]) == [gone]
        assert await recover_lost(connection, [gone], shard=1) == 0
    assert await waiting(connection) == 0


async def test_a_persons_decision_is_not_undone_by_a_late_answer(
    connection: Any, deployment: Deployment, memory: PositionMemory
) -> None:
    row: Claimed = await sent_one(connection)
    await went_back(connection, memory)
    await say(connection, deployment, memory)
    await actions.retry(connection, row.ref, "Ann", deployment)
    assert await write(connection, outcome(row)) == 0
    assert (await state_of(connection, row.ref))["state"] == "DEFERRED"


async def test_mail_to_our_own_staff_goes_on(connection: Any, deployment: Deployment, memory: PositionMemory) -> None:
    # Given a reply that waits to be forwarded, which no worklist would show
    ref = await queue_mail(connection, deployment)
    await connection.execute("update message set internal = true, source_type = null, template_version_id = null")
    await went_back(connection, memory)
    done = await say(connection, deployment, memory)
    assert done is not None
    assert (done.uncertain, (await state_of(connection, ref))["state"]) == (0, "QUEUED")


# Campaigns ---------------------------------------------------------------------------------------------------------


async def test_recipients_without_a_message_are_not_mailed_by_themselves_and_can_be_settled(
    connection: Any, deployment: Deployment, memory: PositionMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a campaign of which some have a message and some do not, one that is due and not frozen, one for next week
    monkeypatch.setattr(expansion, "BATCH", 2)
    made, _ = await running(connection, deployment, 7)
    await expansion.make_messages(connection, deployment, batch=3)
    later, _ = await running(connection, deployment, 1)
    await connection.execute(
        "update mailing_recipient r set due_at = r.due_at + interval '7 days' from mailing g"
        " where g.id = r.mailing_id and g.campaign_id = $1",
        later,
    )
    customers = [await make_customer(connection) for _ in range(2)]
    due = await drafts.create(connection, await order(connection, customers), deployment)
    await lifecycle.launch(connection, due, uuid4().hex, deployment, actor="Dana")
    await went_back(connection, memory)

    # When a person says that the ledger was restored
    done = await say(connection, deployment, memory)

    # Then all who may have been mailed are uncertain, also who had no message; who is due next week has none
    assert done == Restored(uncertain=9, made=6, campaigns_paused=3, retries_called_off=0, not_made=0)
    assert await tally(connection, made) == {"made": 7, "uncertain": 7}
    assert await tally(connection, due) == {"made": 2, "uncertain": 2}
    assert await tally(connection, later) == {}
    # And nothing goes on before a person says so, who reads why
    assert [await status_of(connection, one) for one in (made, due, later)] == ["PAUSED"] * 3
    assert await freezing.freeze(connection) is None
    assert await expansion.make_messages(connection, deployment) is None
    assert "Paused after a restore, by Dana" in await connection.fetchval(
        "select paused_why from campaign where id = $1", made
    )
    assert await connection.fetchval("select count(*) from campaign_event where action = 'restored'") == 3

    # When the person settles one, retries another and resumes both
    await settle(connection, made, UncertainDecision.ASSUME_SENT, expected_count=7)
    await settle(connection, due, UncertainDecision.RETRY, expected_count=2)
    await carry_out(connection, deployment)
    for one in (made, due):
        await lifecycle.resume(connection, one, actor="Dana")
    # Then the one is over, the other's mail waits, and nobody gets a second message of either
    assert await lifecycle.finish(connection) == [made]
    assert await waiting(connection) == 2
    assert await expansion.make_messages(connection, deployment) is None
    assert await amiss(connection) == []


async def test_events_that_were_followed_perhaps_are_not_followed_again(
    connection: Any, deployment: Deployment, memory: PositionMemory
) -> None:
    # Given an event that is due, and one whose mail follows tomorrow
    campaign_id = await waiting_campaign(connection)
    for name in ("now", "tomorrow"):
        await events.trigger(
            connection, event(campaign_id, await make_customer(connection), event=name), "CRM", deployment
        )
    await connection.execute(
        "with chosen as (select customer_id from campaign_trigger where event = 'tomorrow'), recipients as ("
        " update mailing_recipient r set due_at = due_at + interval '1 day' from chosen c"
        " where r.customer_id = c.customer_id)"
        " update triggered_recipient t set due_at = due_at + interval '1 day' from chosen c"
        " where t.customer_id = c.customer_id"
    )
    await went_back(connection, memory)
    done = await say(connection, deployment, memory)
    # Then the first is uncertain, and the second waits for the campaign to be resumed
    assert done == Restored(uncertain=1, made=1, campaigns_paused=1, retries_called_off=0, not_made=0)
    assert await events.make_triggered(connection, deployment) is None
    assert await connection.fetchval("select count(*) from triggered_recipient") == 1
    assert await amiss(connection) == []


async def test_a_mailing_that_cannot_be_made_holds_up_no_other_and_is_said(
    connection: Any, deployment: Deployment, memory: PositionMemory
) -> None:
    broken, _ = await running(connection, deployment, 2)
    whole, _ = await running(connection, deployment, 2)
    await connection.execute("update mailing set subject = '{{ }}' where campaign_id = $1", broken)
    await went_back(connection, memory)
    done = await say(connection, deployment, memory)
    assert done == Restored(uncertain=2, made=2, campaigns_paused=2, retries_called_off=0, not_made=1)
    assert await tally(connection, whole) == {"made": 2, "uncertain": 2}


async def test_retries_under_way_are_called_off(
    connection: Any, deployment: Deployment, memory: PositionMemory
) -> None:
    # Given retries of many, of a campaign and by a preview, of which some are done; and others taken for sent
    made, _ = await sent(connection, deployment, ["REFUSED", "REFUSED", "REFUSED"])
    await retry(connection, made)
    refs = await mails(connection, ["REFUSED", "EXPIRED", "UNCERTAIN"])
    again = await preview(connection, deployment, refs[:2], BulkMessageAction.RETRY)
    assumed = await preview(connection, deployment, refs[2:], BulkMessageAction.ASSUME_SENT)
    for one in (again, assumed):
        await bulk_actions.write_down(connection, one)
    await went_back(connection, memory)

    # When the ledger was restored
    done = await say(connection, deployment, memory)

    # Then what failed stays failed until a person asks again, and what sends nothing goes on
    assert done is not None
    assert done.retries_called_off == 2
    assert await carry_out(connection, deployment) == []
    while await bulk_actions.carry_on(connection, deployment, left_alone=timedelta()) is not None:
        pass
    assert await waiting(connection) == 0
    result = await bulk_actions.first_result(connection, again.token_sha256)
    assert result is not None
    assert (result.done, result.skipped, result.finished) == (0, 2, True)
    assert (await states(connection))[("ACCEPTED", None)] == 1
    assert await connection.fetchval("select count(*) from campaign_decision_message") == 0
    told = await connection.fetchval("select detail from campaign_event where action = 'carriedOut'")
    assert (told["done"], told["skipped"]) == (0, 3)
    assert await amiss(connection) == []


# Saying it ---------------------------------------------------------------------------------------------------------


async def test_it_is_dealt_with_once_and_gateways_start_then(
    connection: Any, deployment: Deployment, memory: PositionMemory
) -> None:
    # Given a restored ledger that was dealt with
    await queue_mail(connection, deployment)
    await went_back(connection, memory)
    before = await connection.fetchval("select id from ledger")
    assert await say(connection, deployment, memory) is not None
    # When mail is queued in it, and the command repeated
    ref = await queue_mail(connection, deployment)
    assert await say(connection, deployment, memory) is None
    # Then that waits, gateways start, here and where something else is remembered
    assert (await state_of(connection, ref))["state"] == "QUEUED"
    await watch(memory).begin(connection)
    said = await connection.fetchrow("select actor, ledger_id, uncertain, finished_at from ledger_restore")
    assert (said["actor"], said["ledger_id"], said["uncertain"]) == ("Dana", before, 1)
    assert said["finished_at"] is not None
    # And the copy from before is known for what it is
    await connection.execute("update ledger set id = $1", before)
    assert await say(connection, deployment, memory) is not None


async def test_an_id_that_was_given_out_since_the_copy_is_nobody_elses(
    connection: Any, deployment: Deployment, memory: PositionMemory
) -> None:
    # Given a customer whom the ledger forgot, and whom the CRM and links in mails know by the id
    known = await make_customer(connection)
    await went_back(connection, memory)
    await say(connection, deployment, memory)
    # Then the next customer has another id, also after a second call
    assert await say(connection, deployment, memory) is None
    assert 100_000_000 < await make_customer(connection) - known < 200_000_000


async def test_a_copy_of_a_servers_files_is_dealt_with_when_a_person_insists(
    connection: Any, deployment: Deployment, memory: PositionMemory
) -> None:
    ref = await queue_mail(connection, deployment)
    await watch(memory).begin(connection)
    assert await say(connection, deployment, memory) is None
    assert (await state_of(connection, ref))["state"] == "QUEUED"
    assert await say(connection, deployment, memory, anyway=True) is not None
    assert (await state_of(connection, ref))["state"] == "UNCERTAIN"


@pytest.mark.parametrize("step", ["_give_up_queue", "_make_what_was_due", "_pause_campaigns"])
async def test_what_was_cut_off_is_taken_up_where_it_was(
    connection: Any, deployment: Deployment, memory: PositionMemory, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    # Given a command that was killed before one of its steps
    await queue_mail(connection, deployment)
    made, _ = await running(connection, deployment, 3)
    await expansion.make_messages(connection, deployment, batch=1)
    await went_back(connection, memory)

    async def killed(*values: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(restored, step, killed)
        with pytest.raises(KeyboardInterrupt):
            await say(connection, deployment, memory)
    # Then no gateway starts
    with pytest.raises(Exception, match="dealt with in part") as raised:
        await watch(memory).begin(connection)
    assert str(raised.value) == RESTORE_UNFINISHED
    # And the repeat ends it
    assert await say(connection, deployment, memory) == Restored(
        uncertain=4, made=2, campaigns_paused=1, retries_called_off=0, not_made=0
    )
    assert await tally(connection, made) == {"made": 3, "uncertain": 3}
    assert await connection.fetchval("select count(*) from ledger_restore") == 1


async def test_nothing_is_done_beside_a_gateway_or_another_who_says_it(
    connection: Any, deployment: Deployment, memory: PositionMemory, database_url: str
) -> None:
    ref = await queue_mail(connection, deployment)
    await went_back(connection, memory)
    # Given a gateway's session
    running_one = await asyncpg.connect(database_url, server_settings={"application_name": "gateway"})
    with pytest.raises(RestoreRefused, match="stop all gateways"):
        await say(connection, deployment, memory)
    await running_one.close()
    # And another command
    other = await asyncpg.connect(database_url)
    await other.fetchval("select pg_advisory_lock(hashtextextended('restored', 7))")
    with pytest.raises(RestoreRefused, match="at this moment"):
        await say(connection, deployment, memory)
    await other.close()
    assert (await state_of(connection, ref))["state"] == "QUEUED"


@pytest.mark.parametrize("name", ["", " Dana", "Da\nna", "D" * 101])
def test_who_says_it_is_a_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["restored", "--name", name])
    assert "--name is one line of 1 to 100 characters" in capsys.readouterr().err


async def test_what_comes_back_for_mail_that_the_ledger_forgot_does_no_harm(connection: Any) -> None:
    """An open of a mail that was made after the moment of the copy."""
    from gateway.tracking import classify

    customer = await make_customer(connection)
    forgotten = MessageRef(customer_id=customer, message_id=uuid4())
    await insert(
        connection, "hit", customer_id=customer, message_id=forgotten.message_id, kind="OPEN", occurred_at=NOON
    )
    assert await classify.classify_due(connection) == 1
    assert await connection.fetchval("select rules_version from hit") > 0
