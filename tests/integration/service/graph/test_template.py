"""Templates and their versions over the API: listed, opened, and what would stop a launch."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.compose import sender_profiles
from gateway.templates.versions import publish_builtins
from tests.builders import make_template_version

CREATE = """mutation($i: CreateTemplateInput!) { createTemplate(input: $i) {
  template { id name newest { id number } } warnings { code blocking message recipients }
  userErrors { code field message } } }"""
LIST = """query($search: String, $first: Int!, $after: String) {
  templates(search: $search, first: $first, after: $after) {
    nodes { id name version } pageInfo { hasNextPage endCursor } } }"""
VERSION = """query($id: ID!) { node(id: $id) { ... on TemplateVersion {
  id number subject mjml html text fields sampleData locale createdAt createdBy template { name }
  preview { subject html } warnings { code blocking message recipients } } } }"""
VERSIONS = """query($id: ID!, $first: Int!, $after: String) { template(id: $id) {
  newest { number } versions(first: $first, after: $after) {
    nodes { number subject } pageInfo { hasNextPage endCursor } } } }"""
BODY = '<p>Hello {{ first }}, <a href="{{ unsubscribe_url }}">unsubscribe</a></p>'


async def ask(client: httpx.AsyncClient, query: str, **variables: Any) -> Any:
    """The one field's value; there are no errors."""
    body = (await client.post("/graphql", json={"query": query, "variables": variables})).json()
    assert "errors" not in body, body
    [value] = body["data"].values()
    return value


async def publish(client: httpx.AsyncClient, name: str, **values: Any) -> Any:
    given = {"name": name, "subject": "Hi {{ first }}", "html": BODY, "sampleData": {"first": "Sam"}} | values
    made = await ask(client, CREATE, i=given)
    assert made["userErrors"] == []
    return made


@pytest.fixture
async def office(connection: Any) -> None:
    """A sender with a postal address: campaigns can be launched."""
    await sender_profiles.create(
        connection, name="Office", from_address="office@fabrikam.example", postal_address="1 Main Street"
    )


async def test_templates_are_listed_by_name_and_found_by_a_part_of_it(
    client: httpx.AsyncClient, connection: Any
) -> None:
    # Given three templates, one of them in two versions, beside those that come with the product
    await publish_builtins(connection)
    for name in ("Spring offer", "autumn 100%", "Firmware"):
        await publish(client, name)
    await publish(client, "Firmware", subject="Now {{ first }}")
    # When they are listed page by page
    first = await ask(client, LIST, search=None, first=2, after=None)
    rest = await ask(client, LIST, search=None, first=2, after=first["pageInfo"]["endCursor"])
    # Then they come once each, by name
    listed = [(one["name"], one["version"]) for one in first["nodes"] + rest["nodes"]]
    assert sorted(listed) == [("Firmware", 2), ("Spring offer", 1), ("autumn 100%", 1)]
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
    # And found by any part of the name, whatever its letters; signs of patterns are signs
    for search, names in (("OFFER", ["Spring offer"]), ("0%", ["autumn 100%"]), ("%i", []), ("builtin", [])):
        found = await ask(client, LIST, search=search, first=10, after=None)
        assert [one["name"] for one in found["nodes"]] == names


async def test_a_version_shows_its_source_and_what_it_uses(client: httpx.AsyncClient, office: None) -> None:
    made = await publish(client, "News", locale="de", text="Hello {{ first }} {{ customer_name }}")
    version = await ask(client, VERSION, id=made["template"]["newest"]["id"])
    created = version.pop("createdAt")
    preview = version.pop("preview")
    assert version == {
        "id": made["template"]["newest"]["id"],
        "number": 1,
        "subject": "Hi {{ first }}",
        "mjml": None,
        "html": BODY,
        "text": "Hello {{ first }} {{ customer_name }}",
        "fields": ["first", "customer_name", "postal_address", "unsubscribe_url"],
        "sampleData": {"first": "Sam"},
        "locale": "de",
        "createdBy": "test",
        "template": {"name": "News"},
        "warnings": [],
    }
    assert created
    assert (preview["subject"], "Hello Sam" in preview["html"]) == ("Hi Sam", True)


async def test_versions_are_paged_newest_first(client: httpx.AsyncClient) -> None:
    for number in range(1, 4):
        made = await publish(client, "News", subject=f"{number}")
    template = made["template"]["id"]
    first = await ask(client, VERSIONS, id=template, first=2, after=None)
    assert first["newest"] == {"number": 3}
    assert [one["subject"] for one in first["versions"]["nodes"]] == ["3", "2"]
    after = first["versions"]["pageInfo"]["endCursor"]
    rest = (await ask(client, VERSIONS, id=template, first=2, after=after))["versions"]
    assert ([one["number"] for one in rest["nodes"]], rest["pageInfo"]["hasNextPage"]) == ([1], False)


async def test_publishing_says_at_once_what_would_look_wrong_and_the_version_says_it_again(
    client: httpx.AsyncClient, office: None
) -> None:
    # Given a page with an image without a text, a plain link, and too much of it
    html = BODY + '<img src="https://x.example/a.png"><a href="http://x.example/">x</a>' + "<p>" + "x" * 110_000
    made = await publish(client, "Long", html=html)
    assert [(one["code"], one["blocking"], one["recipients"]) for one in made["warnings"]] == [
        ("CLIPPED", False, None),
        ("IMAGE_WITHOUT_ALT", False, None),
        ("LINK_NOT_HTTPS", False, None),
    ]
    version = await ask(client, VERSION, id=made["template"]["newest"]["id"])
    assert version["warnings"] == made["warnings"]


async def test_while_no_sender_has_a_postal_address_publishing_says_that_nothing_can_be_launched(
    client: httpx.AsyncClient, connection: Any
) -> None:
    # Given a sender that had a postal address, and has none any more
    made = await sender_profiles.create(
        connection, name="Office", from_address="office@fabrikam.example", postal_address="1 Main Street"
    )
    assert (await publish(client, "News"))["warnings"] == []
    await sender_profiles.update(connection, made.sender_id, {"postal_address": None})
    # When a template is published
    (warning,) = (await publish(client, "News", subject="Other"))["warnings"]
    assert (warning["code"], warning["blocking"]) == ("POSTAL_ADDRESS_MISSING", True)


@pytest.mark.parametrize(
    ("html", "text", "code"),
    [
        ([["text", "<p>News</p>"]], [["text", "News"]], "UNSUBSCRIBE_MISSING"),
        (
            [["text", '<a href="'], ["field", "unsubscribe_url", None], ["text", '">stop</a>']],
            [["field", "unsubscribe_url", None]],
            "POSTAL_ADDRESS_MISSING",
        ),
    ],
)
async def test_a_version_of_earlier_days_says_what_stops_its_launch(
    client: httpx.AsyncClient, connection: Any, html: list[Any], text: list[Any], code: str
) -> None:
    # Given a version from before publishing completed what campaign mail must show
    compiled = {"subject": [["text", "News"]], "html": html, "text": text, "required": [], "links": 0}
    version = await make_template_version(connection, compiled=compiled)
    shown = await ask(client, VERSION, id=f"TemplateVersion_{version.hex}")
    (warning,) = shown["warnings"]
    assert (warning["code"], warning["blocking"]) == (code, True)


async def test_a_template_that_comes_with_the_product_is_no_campaigns(
    client: httpx.AsyncClient, connection: Any
) -> None:
    await publish_builtins(connection)
    version = await connection.fetchval("select id from template_version limit 1")
    shown = await ask(client, VERSION, id=f"TemplateVersion_{version.hex}")
    assert (shown["warnings"], shown["fields"], shown["sampleData"]) == ([], [], {})


async def test_what_is_no_version_is_nothing(client: httpx.AsyncClient) -> None:
    assert await ask(client, VERSION, id=f"TemplateVersion_{'0' * 32}") is None
    for text in ("TemplateVersion_1", "TemplateVersion"):
        body = (await client.post("/graphql", json={"query": VERSION, "variables": {"id": text}})).json()
        assert body["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "argument": "id"}
    query = f'{{ templates(search: "{"x" * 256}") {{ nodes {{ id }} }} }}'
    body = (await client.post("/graphql", json={"query": query})).json()
    assert "at most 255 characters" in body["errors"][0]["message"]
