"""Recipients of campaigns: pages by any filter say what a plain model says, ids read back, one customer's list."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from service.graph import recipient_pages
from service.graph.context import Context
from service.graph.node import customer_global_id, number_global_id, row_global_id
from service.graph.schema import schema
from tests.builders import NOON, insert, mailing_of, make_campaign, make_customer, make_message, make_outbox
from tests.integration.gateway.campaigns.audiences import fixed_list

MakeContext = Callable[..., Context]
LIST = """query($id: ID!, $f: CampaignRecipientFilter, $s: String, $first: Int! = 3, $after: String) {
  campaign(id: $id) { recipients(filter: $f, search: $s, first: $first, after: $after) {
    totalCount { value precision } edges { cursor node { id } }
    nodes { id customer { id } mailing { number } address status leftOut dueAt message { id status } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""
OF_CUSTOMER = """query($id: ID!, $upcoming: Boolean! = false, $first: Int! = 50, $after: String) { customer(id: $id) {
  campaigns(upcoming: $upcoming, first: $first, after: $after) { totalCount { value precision }
    nodes { id status leftOut dueAt mailing { id } } pageInfo { hasNextPage endCursor } } } }"""
NO_ID = "id: is no id of ours; pass an `id` as an answer gave it"
NODE = "query($id: ID!) { node(id: $id) { id ... on CampaignRecipient { status leftOut address } } }"
STATES = ("ACCEPTED", "REFUSED", "BOUNCED", "UNCERTAIN", "HELD", "EXPIRED", "CANCELLED", "QUEUED", "DEFERRED", "UNMADE")
CAUSES = {"REFUSED": "BAD_ADDRESS", "HELD": "SUPPRESSED", "UNCERTAIN": "CONNECTION_LOST", "BOUNCED": "INACTIVE"}
REASONS = ("OPTED_OUT", "NO_ADDRESS")


async def execute(context: Context, query: str, **variables: Any) -> Any:
    """The one field's value; there are no errors."""
    result = await schema.execute(query, context_value=context, variable_values=variables)
    assert result.errors is None, result.errors
    [value] = orjson.loads(orjson.dumps(result.data)).values()
    return value


class Audience:
    """A campaign of two mailings with recipients in every state, and what a plain model says of each."""

    def __init__(self, connection: Any, campaign: UUID) -> None:
        self.connection = connection
        self.campaign = campaign
        self.rows: list[dict[str, Any]] = []

    async def fill(self) -> None:
        first = await mailing_of(self.connection, self.campaign)
        second = await self.connection.fetchval(
            "insert into mailing (campaign_id, number, status, template_version_id, due_at, frozen_at)"
            " select campaign_id, 2, status, template_version_id, due_at, frozen_at from mailing where id = $1"
            " returning id",
            first,
        )
        for mailing, round_ in itertools.product((first, second), range(2)):
            for state in STATES:
                await self._mailed(mailing, state, opened=round_ == 0 and state in ("ACCEPTED", "BOUNCED"))
            for reason in REASONS:
                customer = await make_customer(self.connection, addresses=[] if reason == "NO_ADDRESS" else None)
                await insert(
                    self.connection, "mailing_left_out", mailing_id=mailing, customer_id=customer, reason=reason
                )
                self._note(mailing, customer, None, reason=reason)
        for mailing in (first, second):
            of = [row for row in self.rows if row["mailing"] == mailing]
            await self._count(mailing, of)

    async def _mailed(self, mailing: int, state: str, *, opened: bool) -> None:
        customer = await make_customer(self.connection)
        due = NOON + timedelta(seconds=customer % 3)
        address = await self.connection.fetchval(
            "select address from customer_address where customer_id = $1", customer
        )
        await insert(
            self.connection,
            "mailing_recipient",
            mailing_id=mailing,
            due_at=due,
            customer_id=customer,
            address=address,
            address_key=customer.to_bytes(32, "big"),
        )
        if state == "UNMADE":
            return self._note(mailing, customer, "QUEUED", due=due)
        stored = "QUEUED" if state == "DEFERRED" else state
        values = {"status": stored, "recipient": address, "cause": CAUSES.get(state)}
        message = await make_message(self.connection, customer, campaign_id=self.campaign, **values)
        await self.connection.execute("update message set mailing_id = $2 where id = $1", message, mailing)
        await self.connection.execute(
            "update message_trouble set mailing_id = $2 where message_id = $1", message, mailing
        )
        if stored == "QUEUED":
            await make_outbox(
                self.connection, customer, message, attempt=2 if state == "DEFERRED" else 1, address=address
            )
        if opened:
            flags = {"opened": True, "clicked": state == "BOUNCED"}
            keys = {"mailing_id": mailing, "customer_id": customer, "message_id": message}
            await insert(self.connection, "message_engagement", **keys, **flags)
        self._note(mailing, customer, state, due=due, opened=opened, clicked=opened and state == "BOUNCED")

    def _note(self, mailing: int, customer: int, status: str | None, **values: Any) -> None:
        usual = {"reason": None, "opened": False, "clicked": False, "due": None, "cause": CAUSES.get(status or "")}
        self.rows.append({"mailing": mailing, "customer": customer, "status": status, **usual, **values})

    async def _count(self, mailing: int, rows: list[dict[str, Any]]) -> None:
        """What the ledger would have counted of them."""
        left_out = sum(row["status"] is None for row in rows)
        await self.connection.execute(
            "update mailing set recipients = $2, left_out = $3 where id = $1", mailing, len(rows) - left_out, left_out
        )
        counted = {
            name: sum(row["status"] == name.upper() for row in rows)
            for name in ("accepted", "refused", "bounced", "uncertain", "held", "expired", "cancelled")
        }
        reasons = {f"left_out_{one.lower()}": sum(row["reason"] == one for row in rows) for one in REASONS}
        seen = {name: sum(row[name] for row in rows) for name in ("opened", "clicked")}
        await insert(self.connection, "mailing_tally", mailing_id=mailing, shard=0, **counted, **reasons, **seen)

    def expected(self, **filter: Any) -> list[str]:
        """The ids of those that pass, sorted."""
        return sorted(
            f"CampaignRecipient_{row['mailing']}_{row['customer']}" for row in self.rows if _passes(row, filter)
        )


def _passes(row: dict[str, Any], filter: dict[str, Any]) -> bool:
    states, reasons = filter.get("statuses"), filter.get("leftOut")
    if states is not None or reasons is not None:
        by_state = states is not None and row["status"] is not None and row["status"] in states
        by_reason = reasons is not None and row["reason"] is not None and row["reason"] in reasons
        if not by_state and not by_reason:
            return False
    if filter.get("causes") is not None and row["cause"] not in filter["causes"]:
        return False
    if filter.get("mailingIds") is not None and number_global_id("Mailing", row["mailing"]) not in filter["mailingIds"]:
        return False
    return all(filter.get(name) is None or row[name] is filter[name] for name in ("opened", "clicked"))


@pytest.fixture
async def audience(connection: Any) -> Audience:
    made = Audience(connection, await make_campaign(connection))
    await made.fill()
    return made


async def pages(context: Context, campaign: UUID, first: int = 3, **variables: Any) -> tuple[list[Any], Any]:
    """Every node of a list, page by page, and what it counts."""
    nodes: list[Any] = []
    after = None
    for _ in range(200):
        found = await execute(
            context, LIST, id=row_global_id("Campaign", campaign), first=first, after=after, **variables
        )
        page = found["recipients"]
        assert [edge["node"]["id"] for edge in page["edges"]] == [node["id"] for node in page["nodes"]]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        nodes += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes, page["totalCount"]
    raise AssertionError("the list has no end")


FILTERS: list[dict[str, Any]] = [
    {},
    {"statuses": ["ACCEPTED"]},
    {"statuses": ["QUEUED", "DEFERRED"]},
    {"statuses": ["QUEUED"]},
    {"statuses": ["REFUSED", "BOUNCED", "HELD"]},
    {"statuses": ["CANCELLED", "EXPIRED"]},
    {"statuses": ["HANDED_OFF"]},
    {"statuses": []},
    {"leftOut": ["OPTED_OUT"]},
    {"leftOut": ["NO_ADDRESS", "ERASED"]},
    {"statuses": ["UNCERTAIN"], "leftOut": ["OPTED_OUT"]},
    {"causes": ["BAD_ADDRESS", "INACTIVE"]},
    {"causes": ["SUPPRESSED"], "statuses": ["HELD", "REFUSED"]},
    {"causes": ["BY_PERSON"]},
    {"causes": ["SUPPRESSED"], "leftOut": ["OPTED_OUT"]},
    {"opened": True},
    {"opened": False},
    {"clicked": True},
    {"clicked": False, "opened": True},
    {"opened": True, "statuses": ["ACCEPTED"]},
    {"opened": True, "leftOut": ["OPTED_OUT"]},
]


@pytest.mark.parametrize("filter", FILTERS, ids=str)
async def test_pages_by_a_filter_hold_whom_a_plain_model_holds(
    audience: Audience, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch, filter: dict[str, Any]
) -> None:
    # When the list is read by pages of three, also where a page may read no more than five rows
    for scanned in (2000, 5):
        monkeypatch.setattr(recipient_pages, "SCANNED", scanned)
        monkeypatch.setattr(recipient_pages.walk, "__kwdefaults__", {"scan": scanned})
        nodes, total = await pages(make_context(), audience.campaign, f=filter or None)
        # Then it holds everybody that passes, once
        assert sorted(node["id"] for node in nodes) == audience.expected(**filter), scanned
        # And the count is that many
        assert total == {"value": len(nodes), "precision": "EXACT"}


async def test_a_filter_by_mailing_and_the_order_in_which_it_is_sent(
    audience: Audience, make_context: MakeContext
) -> None:
    second = max(row["mailing"] for row in audience.rows)
    filter = {"mailingIds": [number_global_id("Mailing", second)]}
    nodes, total = await pages(make_context(), audience.campaign, f=filter)
    assert sorted(node["id"] for node in nodes) == audience.expected(**filter)
    assert total["value"] == len(nodes)
    assert {node["mailing"]["number"] for node in nodes} == {2}
    due = {customer_global_id(row["customer"]): (row["due"], row["customer"]) for row in audience.rows if row["due"]}
    order = [due[node["customer"]["id"]] for node in nodes if node["leftOut"] is None]
    assert order == sorted(order)


async def test_a_recipient_says_where_its_mail_is(audience: Audience, make_context: MakeContext) -> None:
    nodes, _ = await pages(make_context(), audience.campaign, first=100)
    model = {f"CampaignRecipient_{row['mailing']}_{row['customer']}": row for row in audience.rows}
    for node in nodes:
        row = model[node["id"]]
        assert (node["status"], node["leftOut"]) == (row["status"], row["reason"])
        assert (node["dueAt"] is not None) is (row["status"] in ("QUEUED", "DEFERRED"))
        assert (node["address"] is None) is (row["reason"] == "NO_ADDRESS")
        if node["message"] is not None:
            assert node["message"]["status"] == row["status"]


async def test_a_search_finds_within_the_audience(
    connection: Any, audience: Audience, make_context: MakeContext
) -> None:
    # Given somebody of the audience and somebody beside it with the same name
    row = next(row for row in audience.rows if row["status"] == "HELD")
    await connection.execute("update customer set name = 'Zoë Quirke' where id = $1", row["customer"])
    await make_customer(connection, name="Zoe Quirke")
    for filter, found in ((None, True), ({"statuses": ["HELD"]}, True), ({"statuses": ["ACCEPTED"]}, False)):
        nodes, total = await pages(make_context(), audience.campaign, f=filter, s="quirke")
        assert [node["customer"]["id"] for node in nodes] == [customer_global_id(row["customer"])] * found
        assert total == {"value": int(found), "precision": "EXACT"}


async def test_a_cursor_of_another_list_is_refused(audience: Audience, make_context: MakeContext) -> None:
    nodes, _ = await pages(make_context(), audience.campaign, f={"opened": True})
    assert nodes
    result = await execute(make_context(), LIST, id=row_global_id("Campaign", audience.campaign), f={"opened": True})
    cursor = result["recipients"]["pageInfo"]["endCursor"]
    for after, filter in ((cursor, {"statuses": ["ACCEPTED"]}), ("nonsense", None), ("W10", None), ("", None)):
        variables = {"id": row_global_id("Campaign", audience.campaign), "after": after, "f": filter}
        refused = await schema.execute(LIST, context_value=make_context(), variable_values=variables)
        assert refused.errors is not None
        assert refused.errors[0].extensions == {"code": "BAD_USER_INPUT", "argument": "after"}


async def test_an_id_reads_back_also_of_an_event(
    connection: Any, audience: Audience, make_context: MakeContext
) -> None:
    mailing = audience.rows[0]["mailing"]
    customer = await make_customer(connection)
    of = {"mailing_id": mailing, "due_at": NOON, "customer_id": customer}
    await insert(connection, "mailing_recipient", **of, occurrence="2026-12-01_ä", address="a@customer.example")
    event = f"CampaignRecipient_{mailing}_{customer}_{'2026-12-01_ä'.encode().hex()}"
    for one in (audience.expected()[0], event):
        assert (await execute(make_context(), NODE, id=one))["id"] == one
    assert await execute(make_context(), NODE, id=f"CampaignRecipient_{mailing}_{customer}") is None
    for wrong in ("CampaignRecipient_1", f"{event}_1", f"{event}0"):
        result = await schema.execute(NODE, context_value=make_context(), variable_values={"id": wrong})
        assert [error.message for error in result.errors or ()] == [NO_ID]


async def test_one_customers_campaigns_and_what_is_still_to_come(connection: Any, make_context: MakeContext) -> None:
    # Given a customer that was mailed, was left out, waits, and is named by a mailing and in a list of another to come
    customer = await make_customer(connection)
    mailings = []
    for status in ("RUNNING", "RUNNING", "RUNNING", "SCHEDULED", "SCHEDULED", "SCHEDULED"):
        values = {"launched_at": NOON} if status == "SCHEDULED" else {}
        campaign = await make_campaign(connection, status=status, **values)
        mailings.append((campaign, await mailing_of(connection, campaign)))
    (mailed, one), (_, two), (_, three), (named, four), (listed, five), (excluded, six) = mailings
    await make_message(connection, customer, campaign_id=mailed, status="ACCEPTED")
    for mailing in (one, three):
        key = {"mailing_id": mailing, "due_at": NOON, "customer_id": customer}
        await insert(connection, "mailing_recipient", **key, address="a@customer.example")
    await insert(connection, "mailing_left_out", mailing_id=two, customer_id=customer, reason="SUPPRESSED")
    await insert(connection, "campaign_customer", campaign_id=named, position=1, customer_id=customer)
    vip, everybody = await fixed_list(connection, [customer]), await fixed_list(connection, [customer])
    await insert(connection, "campaign_list", campaign_id=listed, list_id=vip)
    await insert(connection, "campaign_list", campaign_id=excluded, list_id=everybody)
    await insert(connection, "campaign_list", campaign_id=excluded, list_id=vip, excluded=True)
    await connection.execute("update mailing set due_at = $2 where id = $1", four, NOON + timedelta(days=2))
    await connection.execute("update mailing set due_at = $2 where id = $1", five, NOON + timedelta(days=1))
    # When its campaigns are listed, newest first
    found: Any = {"campaigns": {"pageInfo": {"endCursor": None}}}
    seen = []
    for _ in range(3):
        after = found["campaigns"]["pageInfo"]["endCursor"]
        found = await execute(make_context(), OF_CUSTOMER, id=customer_global_id(customer), first=1, after=after)
        [node] = found["campaigns"]["nodes"]
        seen.append((node["mailing"]["id"], node["status"], node["leftOut"]))
    assert seen == [
        (f"Mailing_{three}", "QUEUED", None),
        (f"Mailing_{two}", None, "SUPPRESSED"),
        (f"Mailing_{one}", "ACCEPTED", None),
    ]
    assert found["campaigns"]["pageInfo"]["hasNextPage"] is False
    assert found["campaigns"]["totalCount"] == {"value": 3, "precision": "EXACT"}
    # And what is still to come, the next one first
    upcoming = await execute(make_context(), OF_CUSTOMER, id=customer_global_id(customer), upcoming=True, first=2)
    assert [node["mailing"]["id"] for node in upcoming["campaigns"]["nodes"]] == [f"Mailing_{three}", f"Mailing_{five}"]
    assert upcoming["campaigns"]["totalCount"] == {"value": 3, "precision": "EXACT"}
    rest = await execute(
        make_context(),
        OF_CUSTOMER,
        id=customer_global_id(customer),
        upcoming=True,
        first=2,
        after=upcoming["campaigns"]["pageInfo"]["endCursor"],
    )
    assert [node["mailing"]["id"] for node in rest["campaigns"]["nodes"]] == [f"Mailing_{four}"]
    assert six not in {four, five}


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("recipients_of_mailing", "mailing_recipient_pkey"),
        ("left_out_for_reason", "mailing_left_out_for"),
        ("recipients_in_trouble", "message_trouble_of_mailing"),
        ("recipients_who_opened", "message_engagement_pkey"),
        ("recipients_who_clicked", "message_engagement_clicked"),
        ("recipients_found", "mailing_recipient_of_customer"),
        ("campaigns_of_customer", "mailing_recipient_of_customer"),
        ("progress_of_mailings", "mailing_tally_pkey"),
    ],
)
async def test_every_list_is_read_by_its_index(pool: Any, name: str, index: str) -> None:
    from service.database import statement

    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off;"
            " set local plan_cache_mode = force_generic_plan"
        )
        sql = statement(name).sql
        parameters = ", ".join(["null"] * len((await connection.prepare(sql)).get_parameters()))
        await connection.execute(f"prepare asked as {sql}")
        plan = "\n".join(row[0] for row in await connection.fetch(f"explain execute asked({parameters})"))
    assert index in plan, plan
    assert "Seq Scan" not in plan, plan
