"""No text that a mutation takes keeps the event loop busy for long: its checks take time in step with its length."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    execute,
    parse,
)

from gateway.deployment import Deployment
from gateway.settings import Settings
from gateway.templates.publishing import CompiledSource, TemplateSource, compile_source
from service.graph.schema import schema

ADVERSARIAL = [
    *("-", " ", "1", "a", "1-", "1 ", "4 ", "4111 1111 ", "111111111111x", "\u200b"),
    *("11111111-1111-1111-1111-111111111111-", "http://a)", "=?", ","),
    *("{{", "{{ a ", "{{a|default('", "<", "<a", "<a ", "<a b='", "<!--x>", "<xmp><a b ", "<b1></b1>", "<style>"),
    *("&", "&#", "&#1", "&#x1", "href= ", "alt='", "http:", "@", ".", "a.", "\u00e9.", "(", '"', "\\", "%", "="),
]  # fmt: skip
HEADS = {
    " ": ["", "href=", "<a ", "{{ a"],
    "a": ["", "<"],
    "1": ["", "&#", "jx"],
    "<a b ": ["", "<xmp>"],
    "<!--x>": ["", "<xmp>"],
}
"""What makes a pattern begin, before the text that makes it scan."""

LONGEST = {"html": 10_000, "mjml": 5_000, "text": 20_000, "body": 50_000}
"""Characters tried: as many as can be felt, and of pages, on which every step works, fewer."""
LONGEST_OTHER = 10_000
QUICK = 0.08
"""Seconds of CPU that are not compared: too few to measure beside other work, and to be felt."""

SAMPLES: dict[str, Any] = {
    "address": "ann@b.example", "fromAddress": "ann@b.example", "replyTo": "ann@b.example", "locale": "en",
    "timeZone": "UTC", "portalUrl": "https://b.example/", "confirmUrl": "https://b.example/", "cardLastFour": "4242",
    "start": "2990-01-01T09:00", "end": "2990-01-01T10:00", "DateTime": "2990-01-01T09:00:00Z", "Decimal": "1.00",
    "CurrencyCode": "USD", "Int": 1, "Float": 2.0, "Boolean": False, "lane": "individual", "attachmentIds": [],
    "addresses": "ann@b.example", "customerId": "Customer_1", "messageId": f"Message_1_{UUID(int=1).hex}",
    "campaignId": f"Campaign_{UUID(int=1).hex}", "templateId": f"Template_{UUID(int=1).hex}", "domain": "b.example",
    "importId": f"CustomerImport_{UUID(int=1).hex}", "mailingId": "Mailing_1",
    "listId": "CustomerList_1", "senderId": f"Sender_{UUID(int=1).hex}",
    "html": "<p>x</p>", "String": "x", "JSON": {"a": "x"},
}  # fmt: skip

Path = tuple[str, ...]


class LedgerReached(Exception):
    """All checks before the first statement passed."""


class NoLedger:
    """A connection that has begun a transaction and can run nothing."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield

    def __getattr__(self, name: str) -> Any:
        raise LedgerReached(name)


class CompilerOfThisProcess:
    """Its time is what is measured."""

    async def compile(self, source: TemplateSource) -> CompiledSource:
        return compile_source(source)


class NoPools:
    @asynccontextmanager
    async def writing_connection(self) -> AsyncIterator[NoLedger]:
        yield NoLedger()


def text_fields(kind: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of every text below an input, values of JSON among them."""
    while isinstance(kind, GraphQLNonNull | GraphQLList):
        kind = kind.of_type
    if isinstance(kind, GraphQLInputObjectType):
        for name, field in kind.fields.items():
            yield from text_fields(field.type, (*path, name))
    elif isinstance(kind, GraphQLScalarType) and kind.name in ("String", "JSON"):
        yield path


def sample(kind: Any, path: Path, text: str, name: str = "") -> Any:
    """A value of this type with `text` at the path, and what is required elsewhere."""
    if isinstance(kind, GraphQLNonNull):
        return sample(kind.of_type, path, text, name)
    if isinstance(kind, GraphQLList):
        return SAMPLES[name] if SAMPLES.get(name) == [] else [sample(kind.of_type, path, text, name)]
    if isinstance(kind, GraphQLInputObjectType):
        wanted = {
            key: field.type
            for key, field in kind.fields.items()
            if path[:1] == (key,) or isinstance(field.type, GraphQLNonNull)
        }
        if not wanted and kind.extensions["strawberry-definition"].is_one_of:
            wanted = {key: field.type for key, field in [*kind.fields.items()][:1]}
        if "html" in kind.fields and path != ("mjml",):
            wanted["html"] = kind.fields["html"].type
        return {
            key: sample(of, path[1:] if path[:1] == (key,) else ("elsewhere",), text, key) for key, of in wanted.items()
        }
    if path == ():
        return {"a": text} if kind.name == "JSON" else text
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    return SAMPLES.get(name, SAMPLES.get(kind.name))


def written(path: Path, text: str) -> str:
    """The text as it stands in its field: a page needs its frame."""
    if path[-1:] == ("html",):
        return f"<p>{text}"
    if path[-1:] == ("mjml",):
        return f"<mjml><mj-body><mj-raw>{text}</mj-raw></mj-body></mjml>"
    return text


MUTATIONS = {name: field.args["input"].type for name, field in schema._schema.mutation_type.fields.items()}  # type: ignore[union-attr]  # there are mutations
FIELDS = [(name, path) for name, kind in MUTATIONS.items() for path in text_fields(kind)]


@pytest.fixture(scope="module")
def context() -> Any:
    settings = Settings.model_validate(
        {
            "database_url": "postgresql://x",
            "secret_keys": "k1:" + "0" * 64,
            "public_url": "https://b.example",
            "default_from": "us@b.example",
            "relay_url": "smtp://b.example",
        }
    )
    return SimpleNamespace(
        pools=NoPools(),
        deployment=Deployment.open(settings),
        compiler=CompilerOfThisProcess(),
        actor="test",
        bound_relay=None,
        shaping=False,
    )


async def awaited(call: Any) -> Any:
    return await call


def seconds(context: Any, mutation: str, path: Path, text: str) -> float:
    """The CPU time of one call up to its first statement; its errors must be refusals."""
    kind = MUTATIONS[mutation]
    value = sample(kind, path, written(path, text))
    document = parse(f"mutation($i: {kind}) {{ {mutation}(input: $i) {{ userErrors {{ code }} }} }}")
    began = time.process_time()
    result = asyncio.run(
        awaited(execute(schema._schema, document, variable_values={"i": value}, context_value=context))
    )
    took = time.process_time() - began
    for error in result.errors or []:
        assert isinstance(error.original_error, LedgerReached), error
    return took


def grows(context: Any, mutation: str, path: Path, head: str, part: str) -> float | None:
    """How many times as long twice as much text takes; None when it is too quick to say."""
    longest = LONGEST.get(path[-1], LONGEST_OTHER)
    whole = head + part * (longest // len(part))
    if seconds(context, mutation, path, whole) < QUICK:
        return None
    half = head + part * (longest // len(part) // 2)
    return min(seconds(context, mutation, path, whole) for _ in range(3)) / max(
        min(seconds(context, mutation, path, half) for _ in range(3)), QUICK / 8
    )


def surely_grows(context: Any, mutation: str, path: Path, head: str, part: str) -> float | None:
    """The same, measured again where it seems too much: a busy machine makes one measurement of many long."""
    grown = None
    for _ in range(5):
        measured = grows(context, mutation, path, head, part)
        if measured is None or measured < 3:
            return measured
        grown = min(measured, grown or measured)
    return grown


def test_the_fields_of_every_mutation_are_looked_at() -> None:
    names = {f"{mutation}.{'.'.join(path)}" for mutation, path in FIELDS}
    assert {"createTemplate.html", "createCampaign.recipients.mergeData", "sendESignatureEmail.body"} <= names
    assert {"upsertCustomers.customers.addresses", "sendWorkOrderEmail.cc.address"} <= names


@pytest.mark.parametrize(("mutation", "path"), FIELDS, ids=[f"{name}.{'.'.join(path)}" for name, path in FIELDS])
def test_twice_as_much_text_takes_less_than_three_times_as_long(context: Any, mutation: str, path: Path) -> None:
    slow = {
        head + part: grown
        for part in ADVERSARIAL
        for head in HEADS.get(part, [""])
        if (grown := surely_grows(context, mutation, path, head, part)) is not None and grown >= 3
    }
    assert slow == {}
