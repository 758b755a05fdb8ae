"""Mutations over the ledger: what is done, what is refused in which words, and that refused calls have done nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import pytest

from gateway.mail.message import MessageRef
from gateway.mail.verdict import Verdict
from gateway.templates.versions import publish_builtins
from service.graph.context import Context
from service.graph.node import read_message_id
from service.graph.schema import schema
from service.standalone.postgres import Postgres
from tests.builders import make_customer
from tests.engine import Start, attempts_of, start, until
from tests.smtp_server import Drop, SmtpServer

__all__ = ["start"]

MakeContext = Callable[..., Context]

UPSERT = """mutation($c: [UpsertCustomerInput!]!) { upsertCustomers(input: {customers: $c}) {
  customers { id externalRef name locale timeZone addresses { address primary } }
  userErrors { code message field } } }"""
WORK_ORDER = """mutation($i: SendWorkOrderEmailInput!) { sendWorkOrderEmail(input: $i) {
  message { id status subject info { copies { role address } } } userErrors { code message field } } }"""
CARD = """mutation($i: SendCardProcessingEmailInput!) { sendCardProcessingEmail(input: $i) {
  message { id } userErrors { code message field } } }"""
E_SIGNATURE = """mutation($i: SendESignatureEmailInput!) { sendESignatureEmail(input: $i) {
  message { id } userErrors { code message field } } }"""


async def call(context: Context, query: str, **variables: Any) -> Any:
    """The one payload; there are no top-level errors."""
    result = await schema.execute(query, context_value=context, variable_values=variables)
    assert result.errors is None, result.errors
    [payload] = orjson.loads(orjson.dumps(result.data)).values()
    return payload


def refusals(payload: Any) -> list[tuple[str, str]]:
    """Codes and paths."""
    return [(error["code"], ".".join(error["field"])) for error in payload["userErrors"]]


# Customers -------------------------------------------------------------------------------------------------------


async def test_an_upsert_inserts_then_changes_only_what_it_names(pool: Any, make_context: MakeContext) -> None:
    # Given a customer with a name and two addresses
    first = {
        "externalRef": "A-1",
        "name": "Ann",
        "locale": "de-AT",
        "timeZone": "Europe/Vienna",
        "addresses": ["jörg@bücher.de", '"quoted local"@example.com'],
    }
    made = await call(make_context(), UPSERT, c=[first])
    assert [one["address"] for one in made["customers"][0]["addresses"]] == [
        "jörg@xn--bcher-kva.de",
        '"quoted local"@example.com',
    ]
    # When a later call names other things, in an order of its own
    later = await call(make_context(), UPSERT, c=[{"externalRef": "B-2"}, {"externalRef": "A-1", "name": None}])
    # Then what was omitted stays, what is null is cleared, and the order is the call's
    assert [one["externalRef"] for one in later["customers"]] == ["B-2", "A-1"]
    again = later["customers"][1]
    assert again == {**made["customers"][0], "name": None}
    # And a list of addresses replaces the list
    replaced = await call(make_context(), UPSERT, c=[{"externalRef": "A-1", "addresses": ["new@example.com"]}])
    assert replaced["customers"][0]["addresses"] == [{"address": "new@example.com", "primary": True}]
    emptied = await call(make_context(), UPSERT, c=[{"externalRef": "A-1", "addresses": []}])
    assert emptied["customers"][0]["addresses"] == []
    assert await pool.fetchval("select count(*) from customer") == 2


async def test_a_name_is_kept_as_a_search_spells_it(pool: Any, make_context: MakeContext) -> None:
    # Given a name from a system that writes an accent as a sign of its own
    made = await call(make_context(), UPSERT, c=[{"externalRef": "A-1", "name": "Rene\u0301"}])
    # Then it is the name that people type
    assert made["customers"][0]["name"] == "Ren\u00e9"


async def test_a_name_is_kept_without_what_reorders_or_doubles(make_context: MakeContext) -> None:
    names = ["Maria   Rossi ", "Ann \u202emoc.elgoog", "\u2067"]
    given = [{"externalRef": f"A-{number}", "name": name} for number, name in enumerate(names)]
    made = await call(make_context(), UPSERT, c=given)
    assert [one["name"] for one in made["customers"]] == ["Maria Rossi", "Ann moc.elgoog", None]


async def test_an_upsert_answers_from_the_primary_while_the_replica_lags(
    make_context: MakeContext, postgres: Postgres
) -> None:
    # Given a replica that has nothing yet
    context = make_context()
    async with asyncpg.create_pool(postgres.url("template_mail"), min_size=1, max_size=1) as replica:
        context = replace(context, pools=replace(context.pools, reading=replica))
        # When a customer is made, then the answer has its addresses
        made = await call(context, UPSERT, c=[{"externalRef": "A-1", "addresses": ["a@example.com"]}])
    assert made["customers"][0]["addresses"] == [{"address": "a@example.com", "primary": True}]


async def test_one_bad_row_refuses_the_call_and_every_error_is_listed(pool: Any, make_context: MakeContext) -> None:
    payload = await call(
        make_context(),
        UPSERT,
        c=[
            {"externalRef": "good", "addresses": ["x@example.com"]},
            {"externalRef": " ", "name": "a\r\nBcc: x", "locale": "??", "timeZone": "Mars/Olympus"},
            {"externalRef": "dup", "addresses": ["a@b", "x@example.com", "x@EXAMPLE.com", "c\n@example.com"]},
            {"externalRef": "dup", "name": "4111 1111 1111 1111"},
            {"externalRef": "nowhere", "locale": "zz-QQ"},
        ],
    )
    assert payload["customers"] is None
    assert refusals(payload) == [
        ("REQUIRED", "customers.1.externalRef"),
        ("HEADER_INJECTION", "customers.1.name"),
        ("INVALID", "customers.1.locale"),
        ("INVALID", "customers.1.timeZone"),
        ("ADDRESS_INVALID", "customers.2.addresses.0"),
        ("CONFLICT", "customers.2.addresses.2"),
        ("HEADER_INJECTION", "customers.2.addresses.3"),
        ("CARD_NUMBER", "customers.3.name"),
        ("INVALID", "customers.4.locale"),
        ("CONFLICT", "customers.3.externalRef"),
    ]
    assert "4111" not in payload["userErrors"][7]["message"]
    assert await pool.fetchval("select count(*) from customer") == 0


async def test_a_language_is_the_same_to_a_customer_and_a_sender(make_context: MakeContext) -> None:
    sender = {"name": "Office", "fromAddress": "office@fabrikam.example"}
    for tag, refused in (("zz-QQ", ["INVALID"]), ("de-ES", [])):
        customer = await call(make_context(), UPSERT, c=[{"externalRef": "A", "locale": tag}])
        assert refusals_of(customer) == refused
        assert refusals_of(await call(make_context(), SENDER, i={**sender, "locale": tag})) == refused


async def test_a_thousand_customers_fit_in_one_call_and_one_more_does_not(pool: Any, make_context: MakeContext) -> None:
    batch = [{"externalRef": f"R-{number}", "addresses": [f"c{number}@example.com"]} for number in range(1001)]
    refused = await call(make_context(), UPSERT, c=batch)
    assert refusals(refused) == [("TOO_MANY", "customers")]
    made = await call(make_context(), UPSERT, c=batch[:1000])
    assert [one["externalRef"] for one in made["customers"]] == [one["externalRef"] for one in batch[:1000]]
    assert await pool.fetchval("select count(*) from customer_address") == 1000


async def test_a_reserved_name_is_refused_where_it_is_not_allowed(make_context: MakeContext, settings: Any) -> None:
    context = make_context()
    strict = type(context.deployment)(
        settings=settings.model_copy(update={"allow_reserved_domains": False}), keyring=context.deployment.keyring
    )
    object.__setattr__(context, "deployment", strict)
    payload = await call(context, UPSERT, c=[{"externalRef": "T", "addresses": ["x@y.test"]}])
    assert refusals(payload) == [("ADDRESS_RESERVED", "customers.0.addresses.0")]
    sender = {"name": "Office", "fromAddress": "office@fabrikam.com", "replyTo": "x@y.test"}
    assert refusals(await call(context, SENDER, i=sender)) == [("ADDRESS_RESERVED", "replyTo")]


# Sending ---------------------------------------------------------------------------------------------------------


@pytest.fixture
async def customer(pool: Any) -> int:
    """A customer that the built-in letters can be written to."""
    async with pool.acquire() as connection:
        await publish_builtins(connection)
    return await make_customer(pool)


def work_order(customer: int, **values: Any) -> dict[str, Any]:
    """A right input."""
    window = {"start": "2040-12-01T09:00", "end": "2040-12-01T11:00", "timeZone": "Europe/Berlin"}
    usual = {"customerId": f"Customer_{customer}", "kind": "CREATED", "number": "W-1", "type": "Installation"}
    return {**usual, "window": window, "idempotencyKey": "key-1", **values}


async def test_a_work_order_is_queued_once_a_key(pool: Any, make_context: MakeContext, customer: int) -> None:
    # Given a mail that was put
    given = work_order(customer, cc=[{"address": "boss@customer.example", "name": "Boss"}], bccSender=True)
    first = await call(make_context(), WORK_ORDER, i=given)
    assert first["userErrors"] == []
    assert first["message"]["status"] == "QUEUED"
    assert {one["role"] for one in first["message"]["info"]["copies"]} == {"CC", "BCC"}
    # When the same is put again, then the first message is the answer
    assert await call(make_context(), WORK_ORDER, i=given) == first
    # And other content under the same key is refused
    other = await call(make_context(), WORK_ORDER, i={**given, "number": "W-2"})
    assert refusals(other) == [("IDEMPOTENCY_CONFLICT", "idempotencyKey")]
    assert await pool.fetchval("select count(*) from message") == 1


@pytest.mark.parametrize(
    ("query", "letter", "other"),
    [
        (
            E_SIGNATURE,
            {
                "documentKind": "PROPOSAL",
                "title": "Home cinema",
                "portalUrl": "https://sign.firm.example/p/7",
                "expiresAt": "2040-12-01T09:00:00Z",
            },
            {"title": "Home theatre"},
        ),
        (
            CARD,
            {"kind": "CHARGE", "amount": {"amount": "12.50", "currency": "USD"}},
            {"amount": {"amount": "12.51", "currency": "USD"}},
        ),
    ],
)
async def test_one_key_is_one_letter_of_any_kind(
    pool: Any, make_context: MakeContext, customer: int, query: str, letter: dict[str, Any], other: dict[str, Any]
) -> None:
    # Given a letter that was put
    given = {"customerId": f"Customer_{customer}", "idempotencyKey": "key-1", **letter}
    first = await call(make_context(), query, i=given)
    assert first["userErrors"] == []
    # When a colleague puts the same again, then the first message is the answer; another letter is refused
    assert await call(make_context(actor="Kim"), query, i=given) == first
    refused = await call(make_context(), query, i={**given, **other})
    assert refusals(refused) == [("IDEMPOTENCY_CONFLICT", "idempotencyKey")]
    assert await pool.fetchval("select count(*) from message") == 1
    assert await pool.fetchval("select count(*) from outbox") == 1
    # And another key is another letter
    second = await call(make_context(), query, i={**given, "idempotencyKey": "key-2"})
    assert second["message"]["id"] != first["message"]["id"]


async def test_a_changed_address_list_leaves_older_mail_alone(
    pool: Any, make_context: MakeContext, customer: int, start: Start, smtp_server: SmtpServer
) -> None:
    # Given a letter that waits for its turn
    ref = await pool.fetchval("select external_ref from customer where id = $1", customer)
    old = await pool.fetchval("select address from customer_address where customer_id = $1", customer)
    query = WORK_ORDER.replace("info {", "info { to")
    first = await call(make_context(), query, i=work_order(customer))
    assert first["message"]["info"]["to"] == old
    # When the customer's addresses change, then the letter keeps its own, and the next goes to the new one
    await call(make_context(), UPSERT, c=[{"externalRef": ref, "addresses": ["new@customer.example"]}])
    again = await call(make_context(), query, i=work_order(customer))
    assert again["message"]["info"]["to"] == old
    second = await call(make_context(), query, i=work_order(customer, idempotencyKey="key-2"))
    assert second["message"]["info"]["to"] == "new@customer.example"
    start()
    await smtp_server.accepted(2)
    assert {mail.recipients for mail in smtp_server.messages} == {(old,), ("new@customer.example",)}


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ('"quoted local"@example.com', '"quoted local"@example.com'),
        ("jörg@bücher.de", "jörg@xn--bcher-kva.de"),
    ],
)
async def test_an_unusual_address_is_written_to(
    pool: Any, make_context: MakeContext, customer: int, start: Start, smtp_server: SmtpServer, written: str, kept: str
) -> None:
    # Given a customer with an address that few have
    ref = await pool.fetchval("select external_ref from customer where id = $1", customer)
    upserted = await call(make_context(), UPSERT, c=[{"externalRef": ref, "addresses": [written]}])
    assert upserted["customers"][0]["addresses"] == [{"address": kept, "primary": True}]
    # When it is written to, under the form the CRM knows, then the domain is an A-label everywhere
    query = WORK_ORDER.replace("info {", "info { to")
    sent = await call(make_context(), query, i=work_order(customer, address=written))
    assert sent["userErrors"] == []
    assert sent["message"]["info"]["to"] == kept
    assert await pool.fetchrow("select address, domain from outbox") == (kept, kept.rpartition("@")[2])
    start()
    await smtp_server.accepted(1)
    assert smtp_server.messages[0].recipients == (kept,)


async def test_both_ends_of_a_window_are_refused_at_once_and_may_say_their_offsets(
    make_context: MakeContext, customer: int
) -> None:
    # Given a window in the night when New York's clocks are put back
    window = {"start": "2099-11-01T01:30", "end": "2099-11-01T01:45", "timeZone": "America/New_York"}
    refused = await call(make_context(), WORK_ORDER, i=work_order(customer, window=window))
    # Then each end is refused, with the times that it may mean
    assert refusals(refused) == [("INVALID", "window.start"), ("INVALID", "window.end")]
    assert "2099-11-01T01:30:00-04:00 or 2099-11-01T01:30:00-05:00" in refused["userErrors"][0]["message"]
    # And one of them is taken
    told = window | {"start": "2099-11-01T01:30:00-05:00", "end": "2099-11-01T01:45:00-05:00"}
    assert (await call(make_context(), WORK_ORDER, i=work_order(customer, window=told)))["userErrors"] == []


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"customerId": "Customer_999999"}, "NOT_FOUND", "customerId"),
        ({"customerId": "nonsense"}, "NOT_FOUND", "customerId"),
        ({"address": "stranger@x.example"}, "ADDRESS_INVALID", "address"),
        ({"number": "W\r\nBcc: x@y.example"}, "HEADER_INJECTION", "number"),
        ({"cc": [{"address": "a@b"}]}, "ADDRESS_INVALID", "cc.0.address"),
        ({"attachmentIds": [f"Attachment_{'0' * 32}"]}, "NOT_FOUND", "attachmentIds.0"),
        ({"attachmentIds": ["x"]}, "NOT_FOUND", "attachmentIds.0"),
        ({"senderId": f"Sender_{'0' * 32}"}, "NOT_FOUND", "senderId"),
        ({"notes": "card 4111-1111-1111-1111"}, "CARD_NUMBER", "notes"),
        (
            {"window": {"start": "2020-01-01T09:00", "end": "2020-01-01T10:00", "timeZone": "UTC"}},
            "DEADLINE_PASSED",
            "window",
        ),
        ({"window": {"start": "x", "end": "2040-01-01T10:00", "timeZone": "UTC"}}, "INVALID", "window.start"),
        ({"idempotencyKey": ""}, "REQUIRED", "idempotencyKey"),
        ({"idempotencyKey": "k" * 256}, "TOO_LONG", "idempotencyKey"),
    ],
)
async def test_bad_sendings_are_refused_by_their_field_and_leave_nothing(
    pool: Any, make_context: MakeContext, customer: int, values: dict[str, Any], code: str, field: str
) -> None:
    payload = await call(make_context(), WORK_ORDER, i=work_order(customer, **values))
    assert payload["message"] is None
    [(found, path)] = refusals(payload)
    assert (found, path.startswith(field)) == (code, True), payload
    assert await pool.fetchval("select count(*) from message") == 0
    assert await pool.fetchval("select count(*) from idempotency_key") == 0


async def test_all_that_is_wrong_with_a_work_order_is_said_at_once(
    pool: Any, make_context: MakeContext, customer: int
) -> None:
    # Given a letter with a fault in every part of it
    wrong = work_order(
        customer,
        customerId="Customer_999999",
        senderId=f"Sender_{'0' * 32}",
        cc=[{"address": "a@b"}, {"address": "right@x.example"}, {"address": "c@d", "name": "N\nBcc: x"}],
        attachmentIds=["x", f"Attachment_{'0' * 32}"],
        number="",
        notes="card 4111-1111-1111-1111",
        confirmUrl="ftp://x.example",
        window={"start": "x", "end": "2040-13-01T10:00", "timeZone": "Europe/Nowhere"},
        idempotencyKey="",
    )
    # When it is sent
    refused = await call(make_context(), WORK_ORDER, i=wrong)
    # Then each is named, and nothing is left
    assert sorted(refusals(refused)) == [
        ("ADDRESS_INVALID", "cc.0.address"),
        ("ADDRESS_INVALID", "cc.2.address"),
        ("CARD_NUMBER", "notes"),
        ("HEADER_INJECTION", "cc.2.name"),
        ("INVALID", "confirmUrl"),
        ("INVALID", "window.end"),
        ("INVALID", "window.start"),
        ("INVALID", "window.timeZone"),
        ("NOT_FOUND", "attachmentIds.0"),
        ("NOT_FOUND", "attachmentIds.0"),
        ("NOT_FOUND", "customerId"),
        ("NOT_FOUND", "senderId"),
        ("REQUIRED", "idempotencyKey"),
        ("REQUIRED", "number"),
    ]
    assert await pool.fetchval("select count(*) from message") == 0


async def test_what_only_the_ledger_knows_to_be_wrong_is_said_at_once(
    pool: Any, make_context: MakeContext, customer: int
) -> None:
    # Given a letter that is right in itself, too late, from nobody, with files that nobody sent
    late = {"start": "2020-01-01T09:00", "end": "2020-01-01T10:00", "timeZone": "UTC"}
    files = [f"Attachment_{'0' * 32}", f"Attachment_{'1' * 32}"]
    wrong = {"address": "other@x.example", "senderId": f"Sender_{'0' * 32}", "attachmentIds": files, "window": late}
    refused = await call(make_context(), WORK_ORDER, i=work_order(customer, **wrong))
    assert sorted(refusals(refused)) == [
        ("ADDRESS_INVALID", "address"),
        ("DEADLINE_PASSED", "window.start"),
        ("NOT_FOUND", "attachmentIds.0"),
        ("NOT_FOUND", "attachmentIds.1"),
        ("NOT_FOUND", "senderId"),
    ]
    assert await pool.fetchval("select count(*) from idempotency_key") == 0


async def test_all_that_is_wrong_with_a_signature_or_card_mail_is_said_at_once(
    make_context: MakeContext, customer: int
) -> None:
    signature = {
        "customerId": "nonsense",
        "documentKind": "PROPOSAL",
        "title": "",
        "portalUrl": "x",
        "expiresAt": "2020-01-01T00:00:00Z",
        "body": "4111 1111 1111 1111",
        "idempotencyKey": "",
    }
    assert sorted(refusals(await call(make_context(), E_SIGNATURE, i=signature))) == [
        ("CARD_NUMBER", "body"),
        ("INVALID", "portalUrl"),
        ("NOT_FOUND", "customerId"),
        ("REQUIRED", "idempotencyKey"),
        ("REQUIRED", "title"),
    ]
    card = {
        "customerId": f"Customer_{customer}",
        "senderId": "nonsense",
        "kind": "PAYMENT_LINK",
        "amount": {"amount": "-1", "currency": "XXQ"},
        "cardLastFour": "12",
        "invoiceNumber": "a\nb",
        "idempotencyKey": "k",
    }
    assert sorted(refusals(await call(make_context(), CARD, i=card))) == [
        ("HEADER_INJECTION", "invoiceNumber"),
        ("INVALID", "amount.amount"),
        ("INVALID", "amount.currency"),
        ("INVALID", "cardLastFour"),
        ("NOT_FOUND", "senderId"),
        ("REQUIRED", "portalUrl"),
    ]


@pytest.mark.parametrize(
    ("amount", "currency", "field"),
    [
        ("3000000000.00", "IDR", None),
        ("1.005", "USD", "amount.amount"),
        ("0", "USD", "amount.amount"),
        ("5", "XXQ", "amount"),
    ],
)
async def test_money_is_exact(
    make_context: MakeContext, customer: int, amount: str, currency: str, field: str | None
) -> None:
    given = {
        "customerId": f"Customer_{customer}",
        "kind": "CHARGE",
        "amount": {"amount": amount, "currency": currency},
        "idempotencyKey": "money",
    }
    payload = await call(make_context(), CARD, i=given)
    if field is None:
        assert payload["userErrors"] == []
    else:
        assert refusals(payload)[0][1].startswith(field)


@pytest.mark.parametrize("amount", ["1e3", "NaN", "1,5", "0x10", 1.5, True, "", "١"])
async def test_an_amount_that_is_no_plain_decimal_is_a_fault_of_the_client(
    make_context: MakeContext, customer: int, amount: Any
) -> None:
    given = {"customerId": f"Customer_{customer}", "kind": "CHARGE", "idempotencyKey": "k"}
    variables = {"i": {**given, "amount": {"amount": amount, "currency": "USD"}}}
    result = await schema.execute(CARD, context_value=make_context(), variable_values=variables)
    assert result.errors is not None
    assert "plain number" in result.errors[0].message


async def test_a_message_is_called_back_and_tried_again_by_a_person(
    pool: Any, make_context: MakeContext, customer: int
) -> None:
    # Given a queued message
    sent = await call(make_context(), WORK_ORDER, i=work_order(customer))
    given = {"messageId": sent["message"]["id"]}
    query = (
        "mutation($i: MessageInput!) {{ {0}(input: $i) {{ message {{ status info {{ events {{ kind by }} }} }}"
        " userErrors {{ code field }} }} }}"
    )
    # When it is assumed sent, which it cannot be, then nothing happens
    refused = await call(make_context(), query.format("assumeSent"), i=given)
    assert refusals_of(refused) == ["ILLEGAL_STATE"]
    # When it is cancelled, then the history says so, and who
    cancelled = await call(make_context(actor="Kim"), query.format("cancelMessage"), i=given)
    assert cancelled["message"]["status"] == "CANCELLED"
    assert cancelled["message"]["info"]["events"] == [{"kind": "CANCELLED", "by": "Kim"}]
    unknown = await call(make_context(), query.format("retryMessage"), i={"messageId": "Message_1_x"})
    assert refusals_of(unknown) == ["NOT_FOUND"]


async def test_an_uncertain_message_is_settled_by_a_person_and_the_history_says_who(
    connection: Any, make_context: MakeContext, customer: int, start: Start, smtp_server: SmtpServer
) -> None:
    # Given two mails whose server left without a word after the dot
    smtp_server.script(after_dot=Drop())
    start(pause=short_pause)
    sent = [
        await call(make_context(), WORK_ORDER, i=work_order(customer, number=key, idempotencyKey=key))
        for key in ("assumed", "retried")
    ]
    assumed, retried = [one["message"]["id"] for one in sent]
    for message in (assumed, retried):
        await until(connection, known(message), "UNCERTAIN")
    smtp_server.forget_scripts()
    # When one is assumed sent, then it is, without another try
    [settled, kinds] = await decide(make_context(actor="Kim"), "assumeSent", assumed)
    assert settled == "ACCEPTED"
    assert kinds[-1] == {"kind": "ASSUMED_SENT", "by": "Kim"}
    # When the other is tried again, then it goes out again
    [unsettled, kinds] = await decide(make_context(actor="Dana"), "retryMessage", retried)
    assert unsettled != "UNCERTAIN"
    assert kinds[-1] == {"kind": "RETRIED", "by": "Dana"}
    await until(connection, known(retried), "ACCEPTED")
    assert [len(await attempts_of(connection, known(one))) for one in (assumed, retried)] == [1, 2]


def known(message: str) -> MessageRef:
    """The message of a global id."""
    ref = read_message_id(message)
    assert ref is not None
    return ref


async def decide(context: Context, mutation: str, message: str) -> tuple[str, list[dict[str, str]]]:
    """A person's decision; the status then and the events."""
    query = (
        f"mutation($i: MessageInput!) {{ {mutation}(input: $i) {{ message {{ status info {{ events {{ kind by }} }} }}"
        " userErrors { code field } } }"
    )
    payload = await call(context, query, i={"messageId": message})
    assert payload["userErrors"] == []
    return payload["message"]["status"], payload["message"]["info"]["events"]


def short_pause(step: int, verdict: Verdict, jitter: float) -> timedelta:
    """A pause that a test can wait for."""
    return timedelta(milliseconds=100)


def refusals_of(payload: Any) -> list[str]:
    """Codes alone."""
    return [error["code"] for error in payload["userErrors"]]


# Campaigns -------------------------------------------------------------------------------------------------------


CAMPAIGN = """mutation($i: CreateCampaignInput!) { createCampaign(input: $i) {
  campaign { id status audienceSize progress { waiting } } userErrors { code message field } } }"""
TEMPLATE = """mutation($i: CreateTemplateInput!) { createTemplate(input: $i) {
  template { id version fields hasUnsubscribe preview { subject html text } } userErrors { code message field } } }"""
SENDER = """mutation($i: CreateSenderInput!) { createSender(input: $i) {
  sender { id from postalAddress } userErrors { code message field } } }"""
LAUNCH = """mutation($i: LaunchCampaignInput!) { launchCampaign(input: $i) {
  campaign { status launchedAt } userErrors { code message field } } }"""
BODY = '<p>Hello {{ first }}, <a href="{{ unsubscribe_url }}">unsubscribe</a>, {{ postal_address }}</p>'


async def test_a_page_that_gmail_would_cut_is_warned_of_and_taken(make_context: MakeContext, customer: int) -> None:
    # Given a template of more than 100 KB
    asked = "warnings { code message blocking } userErrors { code message field } } }"
    page = {"name": "Long", "subject": "Hi", "html": BODY + "<p>" + "x" * 110_000}
    made = await call(make_context(), TEMPLATE.replace("userErrors { code message field } } }", asked), i=page)
    # Then it is published, with a warning that names the size, and that no sender can send a campaign yet
    assert (made["template"]["version"], made["userErrors"]) == (1, [])
    warning, senders = made["warnings"]
    assert [(one["code"], one["blocking"]) for one in (warning, senders)] == [
        ("CLIPPED", False),
        ("POSTAL_ADDRESS_MISSING", True),
    ]
    assert "107 KB" in warning["message"]
    # And so is a campaign's draft
    sender = await call(
        make_context(), SENDER, i={"name": "S", "fromAddress": "s@fabrikam.example", "postalAddress": "1 Main Street"}
    )
    draft = {
        "title": "T",
        "senderId": sender["sender"]["id"],
        "templateId": made["template"]["id"],
        "recipients": [{"customerId": f"Customer_{customer}"}],
        "mergeData": {"first": "Ann"},
        "idempotencyKey": "long",
    }
    campaign = await call(make_context(), CAMPAIGN.replace("userErrors { code message field } } }", asked), i=draft)
    assert campaign["userErrors"] == []
    assert campaign["warnings"] == [warning]


async def test_values_that_no_field_uses_are_named_and_nulls_that_one_needs_are_refused(
    make_context: MakeContext, customer: int
) -> None:
    # Given a template with a field that needs a value, one of the customer's, and one with a default
    page = {"name": "T", "subject": "{{ customer.attributes.city }}", "html": BODY + "{{ plan|default('none') }}"}
    template = await call(make_context(), TEMPLATE, i=page)
    assert template["template"]["fields"] == ["customer.attributes.city", "first", "plan"]
    sender = await call(
        make_context(), SENDER, i={"name": "S", "fromAddress": "s@fabrikam.example", "postalAddress": "1 Main Street"}
    )
    draft = {"title": "T", "senderId": sender["sender"]["id"], "templateId": template["template"]["id"]}
    draft |= {"mergeData": {"first": "all", "frist": "all"}, "idempotencyKey": "unknown"}
    # When a recipient shall have no value for it, then the campaign's does not stand in
    recipient = {"customerId": f"Customer_{customer}", "mergeData": {"first": None, "plan": None, "paln": 1}}
    refused = await call(make_context(), CAMPAIGN, i=draft | {"recipients": [recipient]})
    assert refusals(refused) == [("MERGE_FIELD_MISSING", "recipients.0.mergeData.first")]
    # When all is there, then what no field uses is named, each time; one of the customer's is not for the call to give
    asked = "warnings { code message blocking } userErrors { code message field } } }"
    recipient["mergeData"] = {"plan": None, "paln": 1}
    for _ in range(2):
        made = await call(
            make_context(),
            CAMPAIGN.replace("userErrors { code message field } } }", asked),
            i=draft | {"recipients": [recipient]},
        )
        (warning,) = made["warnings"]
        assert (made["userErrors"], warning["code"], warning["blocking"]) == ([], "MERGE_KEY_UNKNOWN", False)
        assert "frist, paln." in warning["message"]
    draft |= {"mergeData": {"first": "all", "customer.attributes.city": "x"}, "recipients": [recipient]}
    assert refusals(await call(make_context(), CAMPAIGN, i=draft)) == [("INVALID", "mergeData")]


async def test_a_campaign_goes_from_template_to_launch(make_context: MakeContext, customer: int) -> None:
    # Given a template and a sender
    template = await call(
        make_context(),
        TEMPLATE,
        i={"name": "T", "subject": "Hi {{ first }}", "html": BODY, "sampleData": {"first": "Sam"}},
    )
    assert template["userErrors"] == []
    assert template["template"]["preview"]["subject"] == "Hi Sam"
    assert template["template"]["hasUnsubscribe"]
    sender = await call(
        make_context(), SENDER, i={"name": "S", "fromAddress": "s@fabrikam.example", "postalAddress": "1 Main Street"}
    )
    recipient = {"customerId": f"Customer_{customer}"}
    given = {"title": "Spring", "templateId": template["template"]["id"], "senderId": sender["sender"]["id"]}
    given |= {"recipients": [recipient], "idempotencyKey": "c-1"}
    # When a merge field is missing, then the mutation names it
    missing = await call(make_context(), CAMPAIGN, i=given)
    assert missing["userErrors"][0]["code"] == "MERGE_FIELD_MISSING"
    assert "first" in missing["userErrors"][0]["message"] + ".".join(missing["userErrors"][0]["field"])
    # When it is there, then a draft waits for its launch, which happens once
    made = await call(
        make_context(), CAMPAIGN, i={**given, "recipients": [{**recipient, "mergeData": {"first": "Ann"}}]}
    )
    assert made["campaign"] is not None, made
    assert (made["campaign"]["status"], made["campaign"]["progress"]["waiting"]) == ("DRAFT", 1)
    launch = {"campaignId": made["campaign"]["id"], "idempotencyKey": "l-1"}
    launched = await call(make_context(), LAUNCH, i=launch)
    assert launched["campaign"]["status"] == "RUNNING"
    assert await call(make_context(), LAUNCH, i=launch) == launched
    again = await call(make_context(), LAUNCH, i={**launch, "idempotencyKey": "l-2"})
    assert refusals_of(again) == ["ILLEGAL_STATE"]


UPDATE_SENDER = """mutation($i: UpdateSenderInput!) { updateSender(input: $i) {
  sender { id from replyTo signature trackReplies forwardRepliesTo } userErrors { code message field } } }"""


async def test_all_that_is_wrong_with_a_template_is_said_at_once(make_context: MakeContext) -> None:
    wrong = {
        "name": "",
        "subject": "{% if x %}",
        "html": "{{ 1 + 1 }}",
        "text": "{{ a.b.c() }}",
        "sampleData": {"a b": 1},
        "locale": "nonsense-",
    }
    assert sorted(refusals(await call(make_context(), TEMPLATE, i=wrong))) == [
        ("INVALID", "locale"),
        ("INVALID", "sampleData"),
        ("REQUIRED", "name"),
        ("TEMPLATE_INVALID", "html"),
        ("TEMPLATE_INVALID", "subject"),
        ("TEMPLATE_INVALID", "text"),
    ]
    cards = {
        "name": "Cards",
        "subject": "4111 1111 1111 1111",
        "html": "<p>4111 1111 1111 1111</p>",
        "text": "4111 1111 1111 1111",
        "sampleData": [1],
    }
    assert ("INVALID", "sampleData") in refusals(await call(make_context(), TEMPLATE, i=cards))
    assert sorted(refusals(await call(make_context(), TEMPLATE, i=cards | {"sampleData": None}))) == [
        ("CARD_NUMBER", "html"),
        ("CARD_NUMBER", "subject"),
        ("CARD_NUMBER", "text"),
        ("UNSUBSCRIBE_MISSING", "html"),
    ]


async def test_a_sender_is_changed_and_what_is_omitted_stays(make_context: MakeContext) -> None:
    given = {"name": "S", "fromAddress": "s@fabrikam.example", "signature": "Kim", "replyTo": "r@fabrikam.example"}
    made = await call(make_context(), SENDER, i=given)
    changes = {"senderId": made["sender"]["id"], "forwardRepliesTo": "office@fabrikam.example", "signature": None}
    changed = await call(make_context(), UPDATE_SENDER, i=changes)
    assert changed["userErrors"] == []
    assert changed["sender"] == {
        "id": made["sender"]["id"],
        "from": "s@fabrikam.example",
        "replyTo": "r@fabrikam.example",
        "signature": None,
        "trackReplies": False,
        "forwardRepliesTo": "office@fabrikam.example",
    }
    # And every reason is said at once: this deployment has no REPLY_DOMAIN
    refused = await call(
        make_context(), UPDATE_SENDER, i=changes | {"trackReplies": True, "fromAddress": "x", "locale": None}
    )
    assert refused["sender"] is None
    assert sorted(error["field"][0] for error in refused["userErrors"]) == ["fromAddress", "locale", "trackReplies"]
    unknown = await call(make_context(), UPDATE_SENDER, i={"senderId": "Sender_00000000-0000-7000-8000-000000000001"})
    assert refusals_of(unknown) == ["NOT_FOUND"]


async def test_templates_that_loop_or_look_around_are_refused(pool: Any, make_context: MakeContext) -> None:
    for html in (
        "{% for x in range(10**9) %}x{% endfor %}",
        "{{ ''.__class__.__mro__ }}",
        "{{ first.upper() }}",
        "{% while true %}",
        "{{",
    ):
        payload = await call(make_context(), TEMPLATE, i={"name": "Bad", "subject": "x", "html": html})
        assert refusals_of(payload) == ["TEMPLATE_INVALID"], html
    for bodies in ({}, {"html": "x", "mjml": "<mjml></mjml>"}):
        payload = await call(make_context(), TEMPLATE, i={"name": "Bad", "subject": "x", **bodies})
        assert payload["template"] is None
        assert payload["userErrors"] != []
    assert await pool.fetchval("select count(*) from template where name = 'Bad'") == 0


CARD_NUMBER = "4111 1111 1111 1111"
LINK = '<a href="{{ unsubscribe_url }}">unsubscribe</a>'
MJML = "<mjml><mj-body><mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section></mj-body></mjml>"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"subject": f"Card {CARD_NUMBER}", "html": BODY}, "subject"),
        ({"text": f"Card {CARD_NUMBER}", "html": BODY}, "text"),
        ({"html": f"<p>{CARD_NUMBER}</p>{LINK}"}, "html"),
        ({"html": f"<p><b>4111</b> 1111 <i>1111&nbsp;1111</i></p>{LINK}", "text": "Hello"}, "html"),
        ({"html": "<p>{{ first|default('4111111111111111') }}</p>" + LINK, "sampleData": {"first": "Sam"}}, "html"),
        ({"html": "<p>4111 1111 {{ first }}</p>" + LINK, "sampleData": {"first": "1111 1111"}}, "html"),
        ({"html": f'<a href="https://x.example/4111111111111111">Pay</a>{LINK}'}, "html"),
        ({"mjml": MJML.format(CARD_NUMBER + LINK)}, "mjml"),
        ({"html": BODY, "sampleData": {"first": CARD_NUMBER}}, "sampleData.first"),
    ],
)
async def test_a_template_with_a_card_number_is_refused_by_its_field(
    pool: Any, make_context: MakeContext, values: dict[str, Any], field: str
) -> None:
    payload = await call(make_context(), TEMPLATE, i={"name": "Bad", "subject": "x", **values})
    assert refusals(payload) == [("CARD_NUMBER", field)]
    assert "4111" not in payload["userErrors"][0]["message"]
    assert await pool.fetchval("select count(*) from template where name = 'Bad'") == 0


async def test_digits_that_nobody_reads_are_no_card_number(make_context: MakeContext) -> None:
    html = (
        "<html><head><style>#a4111111111111111 { margin: 4111111111111111px }</style></head><body>"
        f'<p id="4111111111111111">Hi</p><a href="https://x.example/a4111111111111111">Go</a>{LINK}</body></html>'
    )
    payload = await call(make_context(), TEMPLATE, i={"name": "Good", "subject": "x", "html": html})
    assert payload["userErrors"] == []


# The gateway -----------------------------------------------------------------------------------------------------


async def test_a_lane_is_paused_and_seen_paused(make_context: MakeContext) -> None:
    gateway = "lanes { name pausedWhy depth } relays { name } destinations { domain perMinute } domains { domain }"
    payload = f"{{ gateway {{ {gateway} }} userErrors {{ code }} }}"
    paused = await call(make_context(actor="Kim"), f'mutation {{ pauseLane(input: {{lane: "individual"}}) {payload} }}')
    lanes = {lane["name"]: lane["pausedWhy"] for lane in paused["gateway"]["lanes"]}
    assert lanes == {"individual": "Paused by Kim.", "work-order": None}
    unknown = await call(make_context(), f'mutation {{ resumeRelay(input: {{relay: "x"}}) {payload} }}')
    assert refusals_of(unknown) == ["NOT_FOUND"]
    limit = '{domain: "slow.example", perMinute: 30}'
    limited = await call(make_context(), f"mutation {{ setDestinationLimit(input: {limit}) {payload} }}")
    assert limited["gateway"]["destinations"] == [{"domain": "slow.example", "perMinute": 30.0}]
