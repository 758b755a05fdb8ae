"""Mail read in a process of its own: the same reading, within limits, while the event loop goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.inbound import read_process
from gateway.inbound.read_process import ReadingFailed, read_apart
from gateway.inbound.reading import ReadingOptions, read
from tests.integration.gateway.inbound.returning import report

OPTIONS = ReadingOptions(null_sender=True, authserv_id="mx.example", allow_reserved=True)
REPLY = (
    b"From: =?utf-8?q?J=C3=B6rg?= <ann@customer.example>\r\nSubject: Re: \xf0\x9f\xa6\x8a\r\nMIME-Version: 1.0\r\n"
    b"Authentication-Results: mx.example; spf=pass smtp.mailfrom=customer.example\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nThursday.\r\n\r\n> When?\r\n'
    b'--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename="a.txt"\r\n\r\nA\r\n--b--\r\n'
)


WITH_ID = b"Message-ID: <a1@customer.example>\r\n" + REPLY
HALF_A_PAIR = (
    b"From: Ann <ann@customer.example>\r\nSubject: =?utf-7?q?+2AA-?=\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n"
    b"+2AA-\r\n"
)


@pytest.mark.parametrize(
    "raw",
    [report(), REPLY, WITH_ID, HALF_A_PAIR, b"", b"\xff\0" * 1000],
    ids=["report", "reply", "reply with an id", "half a pair", "nothing", "noise"],
)
async def test_what_the_process_reads_is_what_we_would(raw: bytes) -> None:
    assert await read_apart(raw, OPTIONS) == read(raw, **OPTIONS)


async def test_a_process_that_takes_too_much_memory_ends_and_says_so() -> None:
    with pytest.raises(ReadingFailed, match="exit code"):
        await read_apart(REPLY + b"x" * (64 << 20), OPTIONS, memory=96 << 20)


async def test_a_process_that_takes_too_long_is_ended_while_the_loop_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_process, "WAIT_SECONDS", 0.05)
    reading = asyncio.create_task(read_apart(REPLY, OPTIONS))
    turns = 0
    while not reading.done():
        await asyncio.wait([reading], timeout=0)
        await asyncio.sleep(0)
        turns += 1
    with pytest.raises(ReadingFailed, match="too long"):
        await reading
    assert turns > 10


async def test_the_process_knows_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEYS", "k1:secret")
    started: list[Any] = []
    start = asyncio.create_subprocess_exec

    async def watched(*args: Any, **values: Any) -> Any:
        started.append(values["env"])
        return await start(*args, **values)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", watched)
    await read_apart(b"", OPTIONS)
    assert [name for env in started for name in env if "SECRET" in name] == []
