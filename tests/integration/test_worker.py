"""The whole engine on real servers: what the mail server says is what the ledger says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gateway.house import House
from gateway.mail.letter import Mailbox
from tests.engine import HASTE, Start, attempts_of, empty, house, queue_mail, start, until
from tests.smtp_server import Reply, Silence, SmtpServer

__all__ = ["house", "start"]


async def test_mail_is_sent_and_the_servers_whole_answer_kept(
    connection: Any, house: House, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(after_dot=Reply(250, "2.0.0 Ok: queued as 4Zx\nsee you"))
    ref = await queue_mail(connection, house)
    start()

    message = await until(connection, ref, "ACCEPTED")

    [attempt] = await attempts_of(connection, ref)
    assert (attempt["verdict"], attempt["stage"], attempt["code"]) == ("ACCEPTED", "END_OF_DATA", 250)
    assert "queued as 4Zx" in attempt["response"]
    assert attempt["relay"] == house.settings.relay_url[0].name
    assert message["sent_at"] is not None
    assert message["mail_sha256"] == message["content_sha256"]
    [received] = smtp_server.taken
    assert f"<{ref.message_id.hex}.{ref.customer_id}@fabrikam.example>".encode() in received.content
    assert await connection.fetchval("select count(*) from outbox") == 0


async def test_a_refused_address_is_refused_for_good_and_suppressed(
    connection: Any, house: House, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(rcpt=Reply(550, "5.1.1 No such user here"))
    ref = await queue_mail(connection, house)
    start()

    message = await until(connection, ref, "REFUSED")

    assert message["cause"] == "BAD_ADDRESS"
    assert message["advice"]
    [attempt] = await attempts_of(connection, ref)
    assert (attempt["stage"], attempt["code"], attempt["enhanced"]) == ("RCPT", 550, "5.1.1")
    assert await connection.fetchval("select count(*) from suppression where message_id = $1", ref.message_id) == 1
    again = await queue_mail(connection, house, "ann@customer.example ".strip())
    assert (await until(connection, again, "HELD"))["cause"] == "SUPPRESSED"


async def test_greylisted_mail_is_deferred_and_goes_at_the_next_try(
    connection: Any, house: House, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(rcpt=[Reply(451, "4.7.1 Greylisted, try again later"), Reply(250, "2.1.5 Ok")])
    ref = await queue_mail(connection, house)
    start(wait=lambda attempt, verdict: HASTE)

    await until(connection, ref, "ACCEPTED")

    first, second = await attempts_of(connection, ref)
    assert (first["verdict"], first["cause"], first["code"]) == ("DEFERRED", "GREYLISTED", 451)
    assert (second["number"], second["verdict"]) == (2, "ACCEPTED")


async def test_a_deferral_past_the_deadline_expires_and_keeps_the_last_words(
    connection: Any, house: House, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(rcpt=Reply(451, "4.3.0 Come back next week"))
    ref = await queue_mail(connection, house)
    start(wait=lambda attempt, verdict: timedelta(days=7))

    message = await until(connection, ref, "EXPIRED")

    assert message["cause"] == "DEADLINE"
    [attempt] = await attempts_of(connection, ref)
    assert attempt["response"].endswith("Come back next week")
    assert await connection.fetchval("select kind from event where message_id = $1", ref.message_id) == "EXPIRED"


async def test_silence_after_the_dot_is_uncertain_and_never_retried(
    connection: Any, house: House, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(after_dot=Silence())
    ref = await queue_mail(connection, house)
    start()

    message = await until(connection, ref, "UNCERTAIN")

    assert message["cause"] == "TIMEOUT"
    [attempt] = await attempts_of(connection, ref)
    assert (attempt["verdict"], attempt["stage"], attempt["code"]) == ("UNCERTAIN", "END_OF_DATA", None)
    assert await connection.fetchval("select count(*) from outbox") == 0


async def test_only_the_deferred_one_of_three_recipients_is_tried_again(
    connection: Any, house: House, start: Start, smtp_server: SmtpServer
) -> None:
    smtp_server.script(
        rcpt={
            "refused@customer.example": Reply(550, "5.1.1 Unknown"),
            "later@customer.example": [Reply(450, "4.2.1 Busy"), Reply(250, "Ok")],
        }
    )
    ref = await queue_mail(
        connection,
        house,
        cc=(Mailbox(address="refused@customer.example"), Mailbox(address="later@customer.example")),
    )
    start(wait=lambda attempt, verdict: HASTE)

    await until(connection, ref, "ACCEPTED")
    await empty(connection)

    copies = await connection.fetch("select status::text from copy order by recipient_no")
    assert [copy["status"] for copy in copies] == ["REFUSED", "ACCEPTED"]
    tries = await connection.fetch("select recipient_no, count(*) from attempt group by 1 order by 1")
    assert [tuple(row) for row in tries] == [(0, 1), (1, 1), (2, 2)]
    assert sorted(mail.recipients[0] for mail in smtp_server.taken) == [
        "ann@customer.example",
        "later@customer.example",
    ]
