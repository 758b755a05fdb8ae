"""Lists over the API: made, filled, changed, deleted; their members, and the lists that a customer is in."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from service.database import statement
from tests.builders import NOON, insert, make_campaign, make_customer, make_hit, make_message

LIST = """id name kind criteria criteriaInWords growsOn by createdAt countedAt count { value precision }"""
CREATE = f"mutation($i: CreateListInput!) {{ createList(input: $i) {{ list {{ {LIST} }} {{errors}} }} }}".replace(
    "{errors}", "userErrors { code field message }"
)
UPDATE = CREATE.replace("createList", "updateList").replace("CreateListInput", "UpdateListInput")
DELETE = "mutation($i: DeleteListInput!) { deleteList(input: $i) { deletedListId userErrors { code field message } } }"
ADD = """mutation($i: AddToListInput!) { addToList(input: $i) {
  list { count { value precision } } changed userErrors { code field message } } }"""
REMOVE = ADD.replace("addToList", "removeFromList").replace("AddToListInput", "RemoveFromListInput")
LISTS = f"""query($search: String, $first: Int!, $after: String) {{
  lists(search: $search, first: $first, after: $after) {{
    nodes {{ {LIST} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
MEMBERS = """query($id: ID!, $search: String, $first: Int!, $after: String) { node(id: $id) { ... on CustomerList {
  members(search: $search, first: $first, after: $after) {
    nodes { customer { id name } list { name } addedAt by } totalCount { value precision }
    pageInfo { hasNextPage endCursor } } } } }"""
LISTS_OF = """query($id: ID!, $first: Int!, $after: String) { customer(id: $id) { lists(first: $first, after: $after) {
  nodes { list { name kind } customer { id } addedAt by } totalCount { value precision }
  pageInfo { hasNextPage endCursor } } } }"""
PREVIEW = """query($c: ListCriteriaInput!) { previewList(criteria: $c) {
  count { value precision } sample { name } inWords } }"""


async def post(client: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    return (await client.post("/graphql", json={"query": query, "variables": variables})).json()


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    """The one field's value; there are no errors."""
    body = await post(client, query, **variables)
    assert "errors" not in body, body
    [value] = body["data"].values()
    return value


async def create(client: httpx.AsyncClient, name: str, **more: Any) -> Any:
    made = await ask(client, CREATE, i={"name": name, **more})
    assert made["userErrors"] == []
    return made["list"]


def refusals(payload: Any) -> list[tuple[str, str]]:
    return [(one["code"], ".".join(one["field"])) for one in payload["userErrors"]]


async def members(client: httpx.AsyncClient, list_id: str, **asked: Any) -> Any:
    variables: dict[str, Any] = {"search": None, "first": 50, "after": None}
    return (await ask(client, MEMBERS, id=list_id, **variables | asked))["members"]


async def names(client: httpx.AsyncClient, list_id: str, **asked: Any) -> list[str]:
    return [node["customer"]["name"] for node in (await members(client, list_id, **asked))["nodes"]]


def rule(**one: Any) -> Any:
    return {"allOf": [{"anyOf": [one]}]}


VIPS = rule(tag={"isOneOf": ["vip"]})


@pytest.fixture
async def people(pool: Any) -> list[str]:
    """Ann, Bea and Cem, of whom Ann and Cem are VIPs; their ids."""
    made = []
    for name, tags in (("Ann", ["vip"]), ("Bea", []), ("Cem", ["vip", "gold"])):
        made.append(await make_customer(pool, name=name, tags=tags))
    return [f"Customer_{number}" for number in made]


# Fixed lists -----------------------------------------------------------------------------------------------------


async def test_a_fixed_list_is_made_filled_and_emptied(client: httpx.AsyncClient, people: list[str]) -> None:
    # Given a new list, of which nobody is a member
    made = await create(client, "  Berlin\u200b  customers ", growsOn=["COMPLETED", "CREATED", "COMPLETED"])
    assert {**made, "createdAt": None} == {
        "id": made["id"], "name": "Berlin customers", "kind": "FIXED", "criteria": None, "criteriaInWords": None,
        "growsOn": ["CREATED", "COMPLETED"], "by": "test", "createdAt": None, "countedAt": None,
        "count": {"value": 0, "precision": "EXACT"},
    }  # fmt: skip
    # When customers are added, one of them twice in a call, then again
    given = {"listId": made["id"], "customerIds": [people[0], people[1], people[0]]}
    first, again = await ask(client, ADD, i=given), await ask(client, ADD, i=given)
    # Then each is a member once, and the second call changed nothing
    assert (first["changed"], again["changed"]) == (2, 0)
    assert again["list"]["count"] == {"value": 2, "precision": "EXACT"}
    # And when one is taken out, with one who is no member
    taken = await ask(client, REMOVE, i={"listId": made["id"], "customerIds": people[1:]})
    # Then the other stays
    assert (taken["changed"], await names(client, made["id"])) == (1, ["Ann"])


async def test_members_are_paged_the_newest_first(client: httpx.AsyncClient, people: list[str]) -> None:
    # Given members who joined one after the other, not in the order of their ids
    made = await create(client, "Berlin")
    for customer in (people[1], people[2], people[0]):
        await ask(client, ADD, i={"listId": made["id"], "customerIds": [customer]})
    # When they are read page by page
    first = await members(client, made["id"], first=2)
    second = await members(client, made["id"], first=2, after=first["pageInfo"]["endCursor"])
    # Then each is there once, with when and by whom it joined
    assert [node["customer"]["name"] for node in first["nodes"] + second["nodes"]] == ["Ann", "Cem", "Bea"]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    assert first["totalCount"] == {"value": 3, "precision": "EXACT"}
    assert all(node["by"] == "test" and node["addedAt"] and node["list"]["name"] == "Berlin" for node in first["nodes"])
    # And a search finds some of them
    found = await members(client, made["id"], search="bea")
    assert [node["customer"]["name"] for node in found["nodes"]] == ["Bea"]
    assert found["totalCount"] == {"value": 1, "precision": "EXACT"}


async def test_wrong_customers_are_all_named_and_nobody_joins(
    client: httpx.AsyncClient, pool: Any, people: list[str]
) -> None:
    # Given a list, and a customer who was erased
    made = await create(client, "Berlin")
    erased = await make_customer(pool, erased_at=NOON)
    # When somebody is added beside ids that are wrong in every way
    ids = [people[0], "Customer_999999", f"Customer_{erased}", "Campaign_" + "0" * 32, "nonsense"]
    payload = await ask(client, ADD, i={"listId": made["id"], "customerIds": ids})
    # Then all of those are named, and nothing was done
    wrong = [("NOT_FOUND", "1"), ("ERASED", "2"), ("NOT_FOUND", "3"), ("NOT_FOUND", "4")]
    assert refusals(payload) == [(code, f"customerIds.{place}") for code, place in wrong]
    assert (payload["list"], payload["changed"], await names(client, made["id"])) == (None, 0, [])
    # And the list is refused with them when it is none
    payload = await ask(client, ADD, i={"listId": "CustomerList_4000000000", "customerIds": ["nonsense"]})
    assert refusals(payload) == [("NOT_FOUND", "listId"), ("NOT_FOUND", "customerIds.0")]


async def test_a_call_takes_a_thousand_customers(client: httpx.AsyncClient, pool: Any) -> None:
    rows = await pool.fetch(
        "insert into customer (external_ref) select 'N-' || n from generate_series(1, 1001) n returning id"
    )
    ids = [f"Customer_{row['id']}" for row in rows]
    made = await create(client, "Many")
    assert refusals(await ask(client, ADD, i={"listId": made["id"], "customerIds": ids})) == [
        ("TOO_MANY", "customerIds")
    ]
    added = await ask(client, ADD, i={"listId": made["id"], "customerIds": ids[:1000]})
    assert (added["changed"], added["list"]["count"]["value"]) == (1000, 1000)


# Dynamic lists ---------------------------------------------------------------------------------------------------


async def test_a_dynamic_list_holds_who_meets_its_criteria_now(
    client: httpx.AsyncClient, pool: Any, people: list[str]
) -> None:
    # Given a list of those with a tag
    made = await create(client, "VIPs", criteria=VIPS)
    assert (made["kind"], made["count"]) == ("DYNAMIC", {"value": 2, "precision": "EXACT"})
    assert made["criteria"] == {"allOf": [{"anyOf": [{"tag": {"isOneOf": ["vip"], "not": False}}]}]}
    assert made["criteriaInWords"] == 'Every customer that has the tag "vip".'
    assert made["countedAt"] is not None
    assert await names(client, made["id"]) == ["Cem", "Ann"]
    # When somebody gets it and somebody else loses it
    await pool.execute("update customer set tags = case when name = 'Bea' then array['vip'] else '{}' end")
    # Then the list has changed, and says the new number when it is asked for the members
    page = await members(client, made["id"])
    assert [node["customer"]["name"] for node in page["nodes"]] == ["Bea"]
    assert (page["nodes"][0]["addedAt"], page["nodes"][0]["by"]) == (None, None)
    assert page["totalCount"] == {"value": 1, "precision": "EXACT"}


async def test_members_of_a_dynamic_list_are_paged_and_searched(client: httpx.AsyncClient, people: list[str]) -> None:
    made = await create(client, "All", criteria=rule(tag={"isOneOf": ["nothing"], "not": True}))
    first = await members(client, made["id"], first=2)
    second = await members(client, made["id"], first=2, after=first["pageInfo"]["endCursor"])
    assert [node["customer"]["name"] for node in first["nodes"] + second["nodes"]] == ["Cem", "Bea", "Ann"]
    assert second["pageInfo"]["hasNextPage"] is False
    found = await members(client, made["id"], search="ann")
    assert ([node["customer"]["name"] for node in found["nodes"]], found["totalCount"]["value"]) == (["Ann"], 1)


async def test_cursors_of_fixed_and_dynamic_lists_are_told_apart(client: httpx.AsyncClient, people: list[str]) -> None:
    fixed = await create(client, "Fixed")
    await ask(client, ADD, i={"listId": fixed["id"], "customerIds": people})
    dynamic = await create(client, "VIPs", criteria=VIPS)
    for one, other in ((fixed, dynamic), (dynamic, fixed)):
        cursor = (await members(client, one["id"], first=1))["pageInfo"]["endCursor"]
        variables = {"id": other["id"], "search": None, "first": 1, "after": cursor}
        body = await post(client, MEMBERS, **variables)
        assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_criteria_keep_the_ids_that_clients_know(client: httpx.AsyncClient, pool: Any, people: list[str]) -> None:
    # Given criteria over a list and a campaign, which a customer clicked
    fixed = await create(client, "Berlin")
    await ask(client, ADD, i={"listId": fixed["id"], "customerIds": people[:1]})
    campaign = await make_campaign(pool, title="Spring")
    customer = int(people[1].removeprefix("Customer_"))
    message = await make_message(pool, customer, campaign_id=campaign, status="ACCEPTED")
    await make_hit(pool, customer, message, url="https://shop.example")
    given = {
        "allOf": [
            {
                "anyOf": [
                    {"member": {"listId": fixed["id"], "not": False}},
                    {
                        "mail": {
                            "happened": "CLICKED", "times": 1, "campaignIds": [f"Campaign_{campaign.hex}"],
                            "when": {"span": {"since": "2026-01-01T00:00:00+00:00"}}, "not": False,
                        }
                    },
                ]
            }
        ]
    }  # fmt: skip
    # When a list is made of them
    made = await create(client, "Both", criteria=given)
    # Then they come back as they were given, in words with the names, and can be given again
    assert made["criteria"] == given
    assert made["criteriaInWords"] == (
        'Every customer that is in the list "Berlin" or clicked in mail of the campaign "Spring" from 2026-01-01 00:00'
        " UTC on."
    )
    assert await names(client, made["id"]) == ["Bea", "Ann"]
    again = await ask(client, UPDATE, i={"listId": made["id"], "criteria": made["criteria"]})
    assert again["list"]["criteria"] == given


async def test_a_preview_counts_samples_and_says_criteria(client: httpx.AsyncClient, people: list[str]) -> None:
    found = await ask(client, PREVIEW, c=VIPS)
    assert found == {
        "count": {"value": 2, "precision": "EXACT"},
        "sample": [{"name": "Cem"}, {"name": "Ann"}],
        "inWords": 'Every customer that has the tag "vip".',
    }


@pytest.mark.parametrize(
    ("criteria", "code", "message"),
    [
        ({"allOf": []}, "BAD_USER_INPUT", "criteria.allOf: Criteria have at least one group."),
        (rule(member={"listId": "CustomerList_77"}), "BAD_USER_INPUT", "listId: There is no such list."),
        ({"allOf": [{"anyOf": [VIPS["allOf"][0]["anyOf"][0]] * 21}]}, "BAD_USER_INPUT", "At most 20 rules in a group."),
    ],
)
async def test_a_preview_says_what_is_wrong_with_criteria(
    client: httpx.AsyncClient, criteria: Any, code: str, message: str
) -> None:
    body = await post(client, PREVIEW, c=criteria)
    assert body["data"] == {"previewList": None}
    assert body["errors"][0]["extensions"]["code"] == code
    assert body["errors"][0]["message"].endswith(message)


async def test_a_rule_is_exactly_one_thing(client: httpx.AsyncClient) -> None:
    for one in ({}, {"tag": {"isOneOf": ["a"]}, "optOut": {"kind": "MARKETING"}}, {"tag": None}):
        body = await post(client, PREVIEW, c=rule(**one))
        assert "errors" in body, one
        assert body.get("data") is None
    written = "{ tag: { isOneOf: [] }, optOut: { kind: MARKETING } }"
    body = await post(client, f"{{ previewList(criteria: {{ allOf: [{{ anyOf: [{written}] }}] }}) {{ inWords }} }}")
    assert "exactly one" in body["errors"][0]["message"]


# Names, changes, deletion ----------------------------------------------------------------------------------------


async def test_what_is_wrong_with_a_list_comes_together(client: httpx.AsyncClient, people: list[str]) -> None:
    campaign = "Campaign_" + "0" * 31 + "1"
    criteria = {
        "allOf": [
            {"anyOf": [{"member": {"listId": "nonsense"}}]},
            {"anyOf": [{"mail": {"happened": "MAILED", "campaignIds": [campaign, "nonsense"]}}]},
        ]
    }
    payload = await ask(client, CREATE, i={"name": " \n", "criteria": criteria, "growsOn": ["CREATED"]})
    assert refusals(payload) == [
        ("HEADER_INJECTION", "name"),
        ("INVALID", "growsOn"),
        ("NOT_FOUND", "criteria.allOf.0.anyOf.0.member.listId"),
        ("NOT_FOUND", "criteria.allOf.1.anyOf.0.mail.campaignIds.0"),
        ("NOT_FOUND", "criteria.allOf.1.anyOf.0.mail.campaignIds.1"),
    ]


async def test_a_name_is_there_once(client: httpx.AsyncClient) -> None:
    await create(client, "Berlin")
    other = await create(client, "Hamburg")
    assert refusals(await ask(client, CREATE, i={"name": " Berlin "})) == [("CONFLICT", "name")]
    assert refusals(await ask(client, UPDATE, i={"listId": other["id"], "name": "Berlin"})) == [("CONFLICT", "name")]
    assert refusals(await ask(client, CREATE, i={"name": ""})) == [("REQUIRED", "name")]
    assert refusals(await ask(client, CREATE, i={"name": "x" * 256})) == [("TOO_LONG", "name")]
    assert refusals(await ask(client, CREATE, i={"name": "card 4111 1111 1111 1111"})) == [("CARD_NUMBER", "name")]


async def test_a_list_changes_what_is_given(client: httpx.AsyncClient, people: list[str]) -> None:
    # Given one list of each kind
    fixed = await create(client, "Fixed", growsOn=["CREATED"])
    dynamic = await create(client, "Dynamic", criteria=VIPS)
    # When one thing of each is changed, then that has changed and nothing else
    changed = (await ask(client, UPDATE, i={"listId": fixed["id"], "name": "Renamed"}))["list"]
    assert changed == fixed | {"name": "Renamed"}
    changed = (await ask(client, UPDATE, i={"listId": fixed["id"], "growsOn": None}))["list"]
    assert changed == fixed | {"name": "Renamed", "growsOn": []}
    gold = rule(tag={"isOneOf": ["gold"]})
    changed = (await ask(client, UPDATE, i={"listId": dynamic["id"], "criteria": gold}))["list"]
    assert (changed["name"], changed["count"]["value"]) == ("Dynamic", 1)
    # And what a list cannot have or cannot be without is refused
    for given, field in (
        ({"listId": fixed["id"], "criteria": VIPS}, ("INVALID", "criteria")),
        ({"listId": dynamic["id"], "growsOn": ["CREATED"]}, ("INVALID", "growsOn")),
        ({"listId": dynamic["id"], "criteria": None}, ("REQUIRED", "criteria.allOf")),
        ({"listId": dynamic["id"], "name": None}, ("REQUIRED", "name")),
        ({"listId": "CustomerList_99", "name": "X"}, ("NOT_FOUND", "listId")),
    ):
        assert refusals(await ask(client, UPDATE, i=given)) == [field]
    payload = await ask(client, ADD, i={"listId": dynamic["id"], "customerIds": people})
    assert refusals(payload) == [("INVALID", "listId")]


async def test_a_list_is_deleted_unless_another_is_made_of_it(client: httpx.AsyncClient, people: list[str]) -> None:
    # Given a list with members, and another whose criteria read it
    fixed = await create(client, "Fixed")
    await ask(client, ADD, i={"listId": fixed["id"], "customerIds": people})
    other = await create(client, "Others", criteria=rule(member={"listId": fixed["id"], "not": True}))
    # When it is deleted, then it is refused until nothing reads it
    payload = await ask(client, DELETE, i={"listId": fixed["id"]})
    assert refusals(payload) == [("CONFLICT", "listId")]
    assert '"Others"' in payload["userErrors"][0]["message"]
    for one in (other, fixed):
        assert await ask(client, DELETE, i={"listId": one["id"]}) == {"deletedListId": one["id"], "userErrors": []}
    # And it is gone, with its memberships
    assert (await post(client, MEMBERS, id=fixed["id"], first=1))["data"] == {"node": None}
    assert (await ask(client, LISTS_OF, id=people[0], first=50))["lists"]["nodes"] == []
    assert refusals(await ask(client, DELETE, i={"listId": fixed["id"]})) == [("NOT_FOUND", "listId")]


async def test_criteria_name_fixed_lists_only(client: httpx.AsyncClient, people: list[str]) -> None:
    dynamic = await create(client, "VIPs", criteria=VIPS)
    payload = await ask(client, CREATE, i={"name": "X", "criteria": rule(member={"listId": dynamic["id"]})})
    assert refusals(payload) == [("INVALID", "criteria.allOf.0.anyOf.0.member.listId")]


async def test_lists_are_listed_by_name_and_searched(client: httpx.AsyncClient) -> None:
    for name in ("b list", "Äpfel", "A list", "C list", "apples"):
        await create(client, name)
    first = await ask(client, LISTS, search=None, first=3, after=None)
    second = await ask(client, LISTS, search=None, first=3, after=first["pageInfo"]["endCursor"])
    listed = [one["name"] for one in first["nodes"] + second["nodes"]]
    assert listed == ["A list", "Äpfel", "apples", "b list", "C list"]
    assert second["pageInfo"]["hasNextPage"] is False
    found = await ask(client, LISTS, search=" LIST", first=50, after=None)
    assert [one["name"] for one in found["nodes"]] == ["A list", "b list", "C list"]
    body = await post(client, LISTS, search=None, first=3, after="nonsense")
    assert body["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "argument": "after"}


async def test_a_list_says_which_campaigns_use_it(
    client: httpx.AsyncClient, connection: Any, people: list[str]
) -> None:
    # Given a list that two campaigns are for and one leaves out, one of them archived, and a list of none
    gold, other = await create(client, "Gold"), await create(client, "Other")
    number = int(gold["id"].partition("_")[2])
    titles = ("Spring", "Summer", "Autumn")
    for title in titles:
        values = {"archived_at": NOON, "status": "FINISHED", "finished_at": NOON} if title == "Summer" else {}
        campaign = await make_campaign(connection, title=title, **values)
        await insert(connection, "campaign_list", campaign_id=campaign, list_id=number, excluded=title == "Autumn")
    # When the lists are read, then each says how many; and the campaigns are found by the list, archived ones apart
    uses = "{ lists(first: 9) { nodes { name usedBy } } }"
    assert {one["name"]: one["usedBy"] for one in (await ask(client, uses))["nodes"]} == {"Gold": 3, "Other": 0}
    found = """query($ids: [ID!], $archived: Boolean! = false) { campaigns(first: 9,
      filter: {listIds: $ids, archived: $archived}) { nodes { title } totalCount { value } } }"""

    async def of(*ids: str, archived: bool = False) -> tuple[list[str], int]:
        page = await ask(client, found, ids=list(ids), archived=archived)
        return [one["title"] for one in page["nodes"]], page["totalCount"]["value"]

    assert await of(gold["id"], other["id"]) == (["Autumn", "Spring"], 2)
    assert await of(gold["id"], archived=True) == (["Summer"], 1)
    assert await of(other["id"]) == ([], 0)


async def test_a_customer_says_which_lists_it_is_in(client: httpx.AsyncClient, people: list[str]) -> None:
    # Given lists of both kinds, some with Ann in them
    first = await create(client, "First")
    await create(client, "VIPs", criteria=VIPS)
    await create(client, "Nobody", criteria=rule(tag={"isOneOf": ["nobody"]}))
    second = await create(client, "Second")
    await create(client, "Empty")
    for one in (first, second):
        await ask(client, ADD, i={"listId": one["id"], "customerIds": people[:1]})
    # When her lists are read page by page
    page = (await ask(client, LISTS_OF, id=people[0], first=2))["lists"]
    rest = (await ask(client, LISTS_OF, id=people[0], first=2, after=page["pageInfo"]["endCursor"]))["lists"]
    # Then they are there, the newest first
    listed = [node["list"]["name"] for node in page["nodes"] + rest["nodes"]]
    assert listed == ["Second", "VIPs", "First"]
    assert page["totalCount"] == {"value": 3, "precision": "EXACT"}
    assert [(node["by"], bool(node["addedAt"])) for node in page["nodes"]] == [("test", True), (None, False)]
    assert rest["pageInfo"]["hasNextPage"] is False


async def test_nobody_forgotten_is_in_a_list(client: httpx.AsyncClient, pool: Any) -> None:
    erased = await make_customer(pool, tags=["vip"], erased_at=NOON)
    made = await create(client, "VIPs", criteria=VIPS)
    assert (made["count"]["value"], await names(client, made["id"])) == (0, [])
    assert (await ask(client, LISTS_OF, id=f"Customer_{erased}", first=5))["lists"]["nodes"] == []


async def test_what_costs_more_counts_as_more(client: httpx.AsyncClient, pool: Any) -> None:
    # Given lists, each of whose counts is twenty objects, on a page of a hundred
    await insert(pool, "customer_list", name="One", kind="FIXED", actor="test")
    below = "nodes { members(first: 100) { nodes { customer { lists { nodes { list { name } } } } } } }"
    # When more is asked for than an operation may cost, then it is refused before anything runs
    body = await post(client, f"{{ lists(first: 100) {{ {below} }} }}")
    assert body["errors"][0]["extensions"]["code"] == "COST_LIMIT"


async def test_a_field_with_a_price_counts_as_much_and_in_a_page_once(client: httpx.AsyncClient) -> None:
    async def cost(query: str) -> int:
        body = await post(client, query)
        assert "errors" not in body, body
        requested: int = body["extensions"]["cost"]["requested"]
        return requested

    # A page of ten lists, of which each is an object and its count twenty
    assert await cost("{ lists(first: 10) { nodes { name } } }") == 1 + 10
    assert await cost("{ lists(first: 10) { nodes { count { value } } } }") == 1 + 10 * (1 + 20)
    # The members of one: twenty, with ten rows; how many there are is twenty more, however long the page
    of_one = '{ node(id: "CustomerList_1") { ... on CustomerList { members(first: 10) { %s } } } }'
    assert await cost(of_one % "nodes { by }") == 1 + 20 + 10
    assert await cost(of_one % "nodes { by } totalCount { value }") == 1 + 20 + 10 + 20
    assert await cost(of_one % "...page" + " fragment page on ListMembershipConnection { totalCount { value } }") == 41


async def test_members_are_paged_by_an_index(client: httpx.AsyncClient, pool: Any) -> None:
    page = statement("list_members_page").sql
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off; set local plan_cache_mode = force_generic_plan")
        await connection.execute(f"prepare asked as {page}")
        rows = await connection.fetch("explain execute asked(null, null, null, null)")
    plan = "\n".join(row[0] for row in rows)
    assert "Backward using list_member_newest" in plan
    assert "Sort" not in plan
