"""The transport alone, over a small schema: the points of the public audit suite (npm `graphql-http`), and ours."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from graphql import ExecutionResult

from service.errors import RequestRefused
from service.graph.parameters import BODY_LIMIT, Parameters
from service.graph.persisted import PersistedOperations
from tests.small_schema import PERSONAL, TOKEN, make_execution, make_transport

JSON = "application/json"
RESPONSE = "application/graphql-response+json"
URL = "http://service.example/graphql"
SIGNED_IN = {"Authorization": f"Bearer {TOKEN}"}


def open_client(**options: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(make_transport(**options)), headers=SIGNED_IN)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with open_client() as client:
        yield client


async def post(http: httpx.AsyncClient, body: Any, *, accept: str | None = RESPONSE, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": JSON, **({"accept": accept} if accept else {}), **headers}
    request = http.build_request("POST", URL, content=content, headers=sent)
    if accept is None:
        del request.headers["accept"]
    return await http.send(request)


def code(answer: httpx.Response) -> str | None:
    found: str | None = answer.json()["errors"][0].get("extensions", {}).get("code")
    return found


# The media type of a response ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (RESPONSE, RESPONSE),
        (f"{RESPONSE}, {JSON}", RESPONSE),
        (f"{JSON}, {RESPONSE}", RESPONSE),
        (f"{RESPONSE}, {JSON};q=0.9", RESPONSE),
        (f"{RESPONSE};q=0.5, {JSON}", JSON),
        (f"{JSON};q=0.1, */*;q=0.9", RESPONSE),
        ("text/html, */*;q=0.1", JSON),
        ("Application/JSON; Charset=UTF-8", JSON),
    ],
)
async def test_accept_decides_the_media_type(http: httpx.AsyncClient, accept: str | None, answered: str) -> None:
    answer = await post(http, {"query": "{ hello }"}, accept=accept)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{answered}; charset=utf-8"
    assert answer.json()["data"] == {"hello": "hello you"}


@pytest.mark.parametrize("query", ["{ hello }", "{ nothing }", "{"])
async def test_no_cache_keeps_an_answer_or_gives_it_to_another_caller(http: httpx.AsyncClient, query: str) -> None:
    answer = await post(http, {"query": query})
    assert answer.headers["cache-control"] == "no-store"
    varies = {name.strip().lower() for name in answer.headers["vary"].split(",")}
    assert varies == {"accept", "accept-encoding", "authorization", "cookie"}


async def test_several_lines_of_accept_are_one_list(http: httpx.AsyncClient) -> None:
    lines = [("Accept", "text/html"), ("Accept", RESPONSE), ("Content-Type", JSON)]
    async with httpx.AsyncClient(transport=http._transport) as plain:
        request = httpx.Request("POST", URL, content=b'{"query": "{ hello }"}', headers=[*SIGNED_IN.items(), *lines])
        answer = await plain.send(request)
    assert answer.headers["content-type"] == f"{RESPONSE}; charset=utf-8"


@pytest.mark.parametrize("accept", ["text/html", f"{JSON};q=0", f"{JSON};charset=utf-16", "image/*", f"{JSON};q=x"])
async def test_what_is_not_acceptable_is_406(http: httpx.AsyncClient, accept: str) -> None:
    assert (await post(http, {"query": "{ hello }"}, accept=accept)).status_code == 406


# Requests that are well formed ------------------------------------------------------------------------------------


async def test_get_runs_a_query_with_variables(http: httpx.AsyncClient) -> None:
    parameters = {"query": "query Q($name: String!) { hello(name: $name) }", "variables": '{"name": "Ada"}'}
    for accept in (JSON, RESPONSE):
        answer = await http.get(URL, params={**parameters, "operationName": ""}, headers={"accept": accept})
        assert (answer.status_code, answer.json()["data"]) == (200, {"hello": "hello Ada"})


@pytest.mark.parametrize("parameter", ["variables", "operationName", "extensions"])
@pytest.mark.parametrize("accept", [JSON, RESPONSE])
async def test_null_parameters_are_absent_ones(http: httpx.AsyncClient, parameter: str, accept: str) -> None:
    answer = await post(http, {"query": "{ __typename }", parameter: None, "unknown": 1}, accept=accept)
    assert answer.status_code == 200
    assert "errors" not in answer.json()


async def test_the_operation_name_chooses(http: httpx.AsyncClient) -> None:
    document = "query A { hello } query B { number(value: 2) }"
    chosen = await post(http, {"query": document, "operationName": "B"})
    assert chosen.json()["data"] == {"number": 2}
    for body in ({"query": document}, {"query": document, "operationName": "C"}, {"query": "fragment F on Row { id }"}):
        answer = await post(http, body)
        assert answer.status_code in (400, 422), answer.text
        assert "data" not in answer.json()
    assert (await post(http, {"query": document}, accept=JSON)).status_code == 200


# Requests that are not --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"NONSENSE",
        b'{"query":',
        b'{"query": "{ hello }"',
        b"[]",
        b'[{"query": "{ hello }"}]',
        b'"text"',
        b"null",
        b"{}",
        b'{"qeury": "{ __typename }"}',
        b'{"query": "{ hello }", "query": "{ number(value: 1) }"}',
        b'{"query": "{ hello }", "variables": {"a": 1, "a": 2}}',
        b'{"query": "{ hello \xff }"}',
        b'{"query": "\\ud800"}',
        b'{"query": "{ hello }", "variables": {"a": 1e999}}',
        b'{"query": "{ hello }", "variables": {"a": NaN}}',
        b'{"query": "{ hello }", "variables": {"a": "\\u0000"}}',
        b'{"query": "{ hello }", "variables": {"a": ' + b"[" * 1100 + b"]" * 1100 + b"}}",
        b'{"query": "{ hello }", "variables": {"a": ' + b"[" * 990 + b"]" * 990 + b"}}",
        b'{"query": "{ hello }", "variables": {"a": ' + b"[" * 300 + b"]" * 300 + b"}}",
        b'{"query": "{ hello }", "variables": {"a": ' + b"1" * 5000 + b"}}",
        *(
            b'{"query": "{ hello }", "%s": %s}' % (name, value)
            for name in (b"query", b"operationName", b"variables", b"extensions")
            for value in (b'{"o": 1}', b"0", b"false", b"[1]", b'"text"')
            if (name, value) not in ((b"operationName", b'"text"'), (b"query", b'"text"'))
            and not (name in (b"variables", b"extensions") and value.startswith(b"{"))
        ),
    ],
)
async def test_a_malformed_request_is_400(http: httpx.AsyncClient, body: bytes, accept: str) -> None:
    answer = await post(http, body, accept=accept)
    assert answer.status_code == 400, answer.text
    assert "data" not in answer.json()
    assert answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/graphql", "application/json; charset=latin-1"])
async def test_another_content_type_is_415(http: httpx.AsyncClient, content_type: str) -> None:
    body = json.dumps({"query": "{ hello }"}).encode()
    answer = await http.post(URL, content=body, headers={"content-type": content_type} if content_type else {})
    assert answer.status_code == 415


async def test_a_compressed_body_is_415(http: httpx.AsyncClient) -> None:
    answer = await post(http, b"\x1f\x8b" + b"\x00" * 100, **{"content-encoding": "gzip"})
    assert answer.status_code == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_other_methods_are_405(http: httpx.AsyncClient, method: str) -> None:
    answer = await http.request(method, URL)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
async def test_a_mutation_by_get_is_405(http: httpx.AsyncClient, accept: str) -> None:
    answer = await http.get(URL, params={"query": 'mutation { rename(name: "x") }'}, headers={"accept": accept})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("more", ["&", "&operationName", "&&operationName=&", "&other=%zz", "&variables"])
async def test_a_query_string_is_read_as_browsers_write_them(http: httpx.AsyncClient, more: str) -> None:
    answer = await http.get(f"{URL}?query=%7Bhello%7D{more}")
    assert answer.json()["data"] == {"hello": "hello you"}


@pytest.mark.parametrize(
    "query_string",
    [
        "query=%7Bhello%7D&query=%7Bhello%7D",
        "query=%FF",
        "query",
        "query=%7Bhello%7D&variables=%7B",
        "",
        "query=%00",
        "&".join(f"p{number}=1" for number in range(50)),
    ],
)
async def test_a_malformed_query_string_is_400(http: httpx.AsyncClient, query_string: str) -> None:
    assert (await http.get(f"{URL}?{query_string}")).status_code == 400


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_body_is_413(http: httpx.AsyncClient, chunked: bool) -> None:
    body = b'{"query": "{ hello }", "variables": {"a": "' + b"x" * (BODY_LIMIT + 1) + b'"}}'

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    headers = {"content-type": JSON}
    answer = await http.post(URL, content=pieces() if chunked else body, headers=headers)
    assert answer.status_code == 413
    assert str(BODY_LIMIT) in answer.text


async def test_large_variables_are_413(http: httpx.AsyncClient) -> None:
    answer = await post(http, {"query": "{ hello }", "variables": {"a": "x" * 10_000}})
    assert (answer.status_code, code(answer)) == (413, "VARIABLES_TOO_LARGE")


async def test_a_client_that_dawdles_is_408(http: httpx.AsyncClient) -> None:
    async def dawdle() -> AsyncIterator[bytes]:
        yield b'{"query"'
        await asyncio.Event().wait()

    answer = await http.post(URL, content=dawdle(), headers={"content-type": JSON})
    assert answer.status_code == 408


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer wrong", "Basic cmlnaHQ6", f"Token {TOKEN}"])
async def test_without_a_token_it_is_401_and_no_hint(authorization: str | None) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(make_transport())) as stranger:
        headers = {} if authorization is None else {"Authorization": authorization}
        answer = await stranger.post(URL, json={"query": "{ hello }"}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json() == {
        "errors": [
            {
                "message": "Send a valid API token: Authorization: Bearer <token>.",
                "extensions": {"code": "UNAUTHENTICATED"},
            }
        ]
    }


# Documents that do not run ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{"},
        {"query": "{ 8f31403dfe404bccbb0e835f2629c6a7 }"},
        {"query": "{ unknown }"},
        {"query": "{}"},
        {"query": "{ rows { } }"},
        {"query": "query Q($n: Int!) { number(value: $n) }", "variables": {"n": None}},
        {"query": "query Q($n: Int!) { number(value: $n) }", "variables": {"n": 3_000_000_000}},
        {"query": "{ number(value: 99999999999999999999) }"},
        {"query": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"},
        {"query": '{ hello(name: "\\u0000") }'},
    ],
)
async def test_a_wrong_document_tells_by_status_who_understands_it(http: httpx.AsyncClient, body: Any) -> None:
    strict, legacy = await post(http, body), await post(http, body, accept=JSON)
    assert (strict.status_code, legacy.status_code) == (400, 200), strict.text
    assert "data" not in strict.json()
    assert strict.json()["errors"] == legacy.json()["errors"]


@pytest.mark.parametrize(
    ("document", "limit"),
    [
        ("{" + " ".join(f"a{number}: hello" for number in range(51)) + "}", "ALIAS_LIMIT"),
        ("{" + " hello" * 21 + "}", "REPEAT_LIMIT"),
        ("{ rows { nodes {" + " tags {" * 14 + " id " + "}" * 17, "DEPTH_LIMIT"),
        ("{ hello " + "@skip(if: false) " * 5 + "}", "DIRECTIVE_LIMIT"),
        ("{ hello } #" + "x" * 20_000, "DOCUMENT_LIMIT"),
        ("{ rows(first: 100) { nodes { rows(first: 100) { nodes { id } } } } }", "COST_LIMIT"),
        ("{" * 900, None),
        ("{ hello" + " , hello" * 2_000 + "}", None),
    ],
)
async def test_a_document_over_a_limit_says_which(http: httpx.AsyncClient, document: str, limit: str | None) -> None:
    answer = await post(http, {"query": document})
    assert answer.status_code == (422 if limit else 400), answer.text
    assert code(answer) == limit
    assert (await post(http, {"query": document}, accept=JSON)).status_code == 200


async def test_what_it_costs_and_leaves_stands_in_extensions_and_headers(http: httpx.AsyncClient) -> None:
    # Given a query, one with an error of a field, and one whose variables fit no type
    for query, requested in (
        ("{ rows(first: 7) { nodes { id } } }", 8),
        ("{ rows(first: 7) { nodes { id } } broken }", 8),
        ("query($n: Int!) { rows(first: $n) { nodes { id } } }", 11),
    ):
        answer = await post(http, {"query": query})
        # Then each says so alike
        assert answer.json()["extensions"]["cost"] == {"requested": requested, "limit": 1000, "left": 1000 - requested}
        assert answer.headers["graphql-cost"] == f"requested={requested}, limit=1000, left={1000 - requested}"
    # When it asks for too much, then nothing is left; what does not get so far says nothing of it
    answer = await post(http, {"query": "{ rows(first: 100) { nodes { rows(first: 100) { nodes { id } } } } }"})
    cost = answer.json()["errors"][0]["extensions"]["cost"]
    assert (cost["limit"], cost["left"]) == (1000, 0)
    assert answer.headers["graphql-cost"] == f"requested={cost['requested']}, limit=1000, left=0"
    assert "graphql-cost" not in (await post(http, {"query": "{"})).headers


async def test_a_schema_told_whole_is_paid_for_each_time() -> None:
    once, often = ("{" + " ".join(f"a{n}: __schema {{ types {{ name }} }}" for n in range(m)) + "}" for m in (1, 5))
    async with open_client(max_cost=20_000) as open_:
        assert (await post(open_, {"query": once})).json()["extensions"]["cost"]["requested"] == 5_000
        assert code(await post(open_, {"query": often})) == "COST_LIMIT"


async def test_introspection_is_a_setting() -> None:
    async with open_client(introspection=False) as closed:
        answer = await post(closed, {"query": "{ __schema { types { name } } }"})
        assert answer.status_code == 400
        assert (await post(closed, {"query": "{ __typename }"})).status_code == 200
        # Nor do suggestions tell what there is.
        assert "hello" not in (await post(closed, {"query": "{ helo }"})).text


# Errors while it runs ---------------------------------------------------------------------------------------------


async def test_our_errors_are_not_masked(http: httpx.AsyncClient) -> None:
    answer = await post(http, {"query": "{ ours refused hello }"})
    assert answer.status_code == 200
    assert answer.json()["data"] == {"ours": None, "refused": None, "hello": "hello you"}
    first, second = answer.json()["errors"]
    assert (first["message"], first["extensions"]["code"]) == ("name: cannot be used", "BAD_USER_INPUT")
    assert second["extensions"]["code"] == "ERASED"


async def test_unexpected_errors_are_masked_and_logged_without_their_words(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = await post(http, {"query": "{ broken }"})
    error = answer.json()["errors"][0]
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["extensions"]["id"] in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert PERSONAL not in answer.text + caplog.text


async def test_null_data_is_still_an_answer(http: httpx.AsyncClient) -> None:
    answer = await post(http, {"query": "{ brokenForGood }"})
    assert answer.status_code == 200
    assert answer.json()["data"] is None


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
async def test_no_free_connection_is_503_with_retry_after(http: httpx.AsyncClient, accept: str) -> None:
    for document in ("{ busy hello }", "mutation { tooBusy }"):
        answer = await post(http, {"query": document}, accept=accept)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "data" not in answer.json()
    done = await post(http, {"query": 'mutation { rename(name: "x") tooBusy }'}, accept=accept)
    assert (done.status_code, done.json()["data"]) == (200, {"rename": "x", "tooBusy": None})


async def test_a_client_that_goes_away_has_its_work_cancelled() -> None:
    # Given an answer that never comes
    cancelled = asyncio.Event()
    transport = make_transport(context={"cancelled": cancelled})
    body = orjson.dumps({"query": "{ endless }"})
    messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    messages.put_nowait({"type": "http.request", "body": body, "more_body": False})
    headers = [(b"content-type", b"application/json"), (b"authorization", f"Bearer {TOKEN}".encode())]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers}

    async def send(_: Any) -> None:
        raise AssertionError("nobody is there to read")

    answering = asyncio.create_task(transport(scope, messages.get, send))
    # When the client hangs up
    messages.put_nowait({"type": "http.disconnect"})
    # Then the resolver is cancelled and the request ends quietly
    async with asyncio.timeout(5):
        await cancelled.wait()
        await answering
    assert not answering.cancelled()


async def test_json_fragments_pass_through() -> None:
    ready = await make_execution().prepare(Parameters(query="{ hello }"))
    result = ExecutionResult(data={"page": orjson.Fragment(b'{"a":1}')}, errors=None)
    answer = make_transport().respond(ready, result, RESPONSE)
    assert orjson.loads(answer.body)["data"] == {"page": {"a": 1}}


# Persisted operations ---------------------------------------------------------------------------------------------

HELLO = "{ hello }"


def named(sha256: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": sha256}}


def sha256_of(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()


async def test_a_document_is_registered_once_and_named_from_then_on(http: httpx.AsyncClient) -> None:
    extensions = named(sha256_of(HELLO))
    unknown = await post(http, {"extensions": extensions})
    assert (unknown.status_code, unknown.json()["errors"][0]["message"]) == (422, "PersistedQueryNotFound")
    assert (await post(http, {"extensions": extensions}, accept=JSON)).status_code == 200
    registered = await post(http, {"query": HELLO, "extensions": extensions})
    assert registered.json()["data"] == {"hello": "hello you"}
    by_name = await http.get(URL, params={"extensions": json.dumps(extensions)})
    assert by_name.json()["data"] == {"hello": "hello you"}


@pytest.mark.parametrize(
    "persisted",
    [
        {"version": 1, "sha256Hash": sha256_of("{ other }")},
        {"version": 2, "sha256Hash": sha256_of(HELLO)},
        {"version": 1, "sha256Hash": "abc"},
        {"version": 1},
        "text",
    ],
)
async def test_a_hash_that_is_wrong_is_400(http: httpx.AsyncClient, persisted: Any) -> None:
    answer = await post(http, {"query": HELLO, "extensions": {"persistedQuery": persisted}})
    assert answer.status_code == 400


async def test_a_shared_store_does_not_choose_what_a_hash_means() -> None:
    class Tampered:
        async def get(self, key: str) -> str | None:
            return {sha256_of(HELLO): HELLO, sha256_of("{ other }"): HELLO}.get(key)

        async def put(self, key: str, document: str) -> None: ...

    persisted = PersistedOperations(shared=Tampered())
    assert await persisted.source(Parameters(query=None, extensions=named(sha256_of(HELLO)))) == HELLO
    with pytest.raises(RequestRefused, match="PersistedQueryNotFound"):
        await persisted.source(Parameters(query=None, extensions=named(sha256_of("{ other }"))))


async def test_with_an_allow_list_nothing_else_runs() -> None:
    allowed = PersistedOperations({sha256_of(HELLO): HELLO})
    async with open_client(persisted=allowed) as closed:
        assert (await post(closed, {"extensions": named(sha256_of(HELLO))})).status_code == 200
        assert (await post(closed, {"query": HELLO})).status_code == 200
        for body in (
            {"query": "{ hello number(value: 1) }"},
            {"extensions": named(sha256_of("{ other }"))},
            {"query": "{ other }", "extensions": named(sha256_of("{ other }"))},
            {},
        ):
            answer = await post(closed, body)
            assert (answer.status_code, code(answer)) == (403, "PERSISTED_QUERY_NOT_ALLOWED")
