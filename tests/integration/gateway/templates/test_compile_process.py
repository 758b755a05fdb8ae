"""Pages compiled in processes of their own: each within its limits, and none at the cost of the event loop."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from gateway.errors import CompilerUnavailable, Refusal, RefusalCode, Refusals
from gateway.templates import compile_process
from gateway.templates.compile_process import TemplateCompiler
from gateway.templates.publishing import TemplateSource, compile_source

SLOW = (
    "<style>"
    + "".join(f"p:nth-child({n}n+1) {{ color: red }}" for n in range(1, 200))
    + "</style>"
    + "<p>x</p>" * 20_000
)
"""Rules that count siblings, of which there are so many that their parser works for minutes."""
LARGE = "<style>b { color: red; margin: 1px; border: 3px solid }</style>" + "<b>x</b>" * 60_000
"""So many elements, each with its styles, that they take 150 MB."""


def source(html: str = "<p>Hello {{ name }}</p>", **changes: Any) -> TemplateSource:
    page = html + '<a href="{{ unsubscribe_url }}">unsubscribe</a>'
    return TemplateSource(name="News", subject="News \U0001f98a", html=page, **changes)


async def test_what_the_process_compiles_is_what_we_would() -> None:
    given = source(sample_data={"name": "J\u00f6rg"})
    assert await TemplateCompiler().compile(given) == compile_source(given)


async def test_all_that_is_wrong_comes_back_at_once() -> None:
    wrong = TemplateSource(name="", subject=" ", html="<p>Hello</p>")
    with pytest.raises(Refusals) as refused:
        await TemplateCompiler().compile(wrong)
    assert [(one.code, one.field) for one in refused.value.refusals] == [
        (RefusalCode.REQUIRED, ("name",)),
        (RefusalCode.REQUIRED, ("subject",)),
    ]


async def test_a_refusal_comes_back_as_it_was_raised() -> None:
    with pytest.raises(Refusal) as refused:
        await TemplateCompiler().compile(source("{% if %}"))
    assert (refused.value.code, refused.value.field) == (RefusalCode.TEMPLATE_INVALID, ("html",))


@pytest.mark.parametrize("limits", [{"cpu_seconds": 1}, {"memory": 90 << 20}], ids=["time", "memory"])
async def test_a_page_beyond_the_limits_is_refused_while_the_loop_goes_on(limits: dict[str, int]) -> None:
    # Given a page that takes too long, or too much memory
    html = SLOW if "cpu_seconds" in limits else LARGE
    compiling = asyncio.create_task(TemplateCompiler(**limits).compile(source(html)))
    # When it is compiled, the loop serves others
    turns = 0
    while not compiling.done():
        await asyncio.sleep(0.01)
        turns += 1
    # Then its author learns why it is refused
    with pytest.raises(Refusal, match="make it smaller") as refused:
        await compiling
    assert (refused.value.code, refused.value.field) == (RefusalCode.TEMPLATE_INVALID, ("html",))
    assert turns > 10


async def test_a_machine_too_busy_is_nobodys_fault() -> None:
    with pytest.raises(CompilerUnavailable, match="try again"):
        await TemplateCompiler(wait_seconds=0.001).compile(source())


async def test_more_pages_than_may_wait_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_process, "MAX_WAITING", 1)
    compiler = TemplateCompiler()
    first = asyncio.create_task(compiler.compile(source()))
    await asyncio.sleep(0)
    with pytest.raises(CompilerUnavailable, match="Too many"):
        await compiler.compile(source())
    assert (await first).fields == ("name",)


async def test_previews_leave_a_process_to_who_publishes(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given previews of pages that take as long as they are let
    may_end, begun, run = asyncio.Event(), list[bytes](), TemplateCompiler._run

    async def slow(self: TemplateCompiler, request: bytes) -> tuple[int, bytes]:
        if b"Looked at" in request:
            begun.append(request)
            await may_end.wait()
        return await run(self, request)

    monkeypatch.setattr(TemplateCompiler, "_run", slow)
    compiler = TemplateCompiler()
    previews = [asyncio.create_task(compiler.compile(source("<p>Looked at</p>"), preview=True)) for _ in range(3)]
    # When somebody publishes two others meanwhile, then these are made, and one preview at a time is
    made = await asyncio.gather(compiler.compile(source()), compiler.compile(source()))
    assert [one.fields for one in made] == [("name",), ("name",)]
    assert (len(begun), [one.done() for one in previews]) == (1, [False, False, False])
    may_end.set()
    assert len(await asyncio.gather(*previews)) == 3


async def test_the_process_does_not_see_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEYS", "1:secret")
    seen: list[dict[str, str]] = []
    start = asyncio.create_subprocess_exec

    async def watched(*command: str, **options: Any) -> asyncio.subprocess.Process:
        seen.append(options["env"])
        return await start(*command, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", watched)
    await TemplateCompiler().compile(source())
    assert [name for environment in seen for name in environment if name not in ("PATH", "LANG", "LC_ALL")] == []


async def test_a_process_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(CompilerUnavailable, match="exit code 1"):
        await TemplateCompiler().compile(source())
