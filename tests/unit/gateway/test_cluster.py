"""Several hosts under one address: read as libpq reads them, tried without waiting for one that is silent."""

from __future__ import annotations

import asyncio

import pytest

from gateway.cluster import Standing, first_to_succeed, host_of, host_seconds, primary_of, split_hosts


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("postgresql://mail@db/mail?sslmode=disable", ["postgresql://mail@db/mail?sslmode=disable"]),
        (
            "postgresql://mail:p%40ss@db1:5433,db2/mail?target_session_attrs=read-write&sslmode=require",
            [
                "postgresql://mail:p%40ss@db1:5433/mail?sslmode=require",
                "postgresql://mail:p%40ss@db2/mail?sslmode=require",
            ],
        ),
        ("postgres://db1,[::1]:5433/mail", ["postgres://db1/mail", "postgres://[::1]:5433/mail"]),
        (
            "postgresql://postgres@/mail?host=/run/a,/run/b",
            ["postgresql://postgres@/mail?host=/run/a", "postgresql://postgres@/mail?host=/run/b"],
        ),
        (
            "postgresql:///mail?host=db1,db2&port=1,2&connect_timeout=5",
            ["postgresql:///mail?host=db1&port=1", "postgresql:///mail?host=db2&port=2"],
        ),
        (
            "postgresql:///mail?host=db1,db2&port=7",
            ["postgresql:///mail?host=db1&port=7", "postgresql:///mail?host=db2&port=7"],
        ),
    ],
)
def test_each_host_has_an_address_of_its_own(url: str, addresses: list[str]) -> None:
    assert list(split_hosts(url)) == addresses


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("mysql://db", "postgresql://"),
        ("postgresql://db1,,db2/mail", "none is empty"),
        ("postgresql://" + ",".join(f"db{n}" for n in range(10)) + "/mail", "at most 9"),
        ("postgresql://db1,db2/mail?target_session_attrs=standby", "read-write"),
        ("postgresql:///mail?host=a,b,c&port=1,2", "one for each host"),
    ],
)
def test_what_cannot_be_one_is_refused_in_a_sentence(url: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        split_hosts(url)


def test_a_host_has_a_limit_of_its_own_as_libpq_says_it() -> None:
    limits = {"": 3.0, "?connect_timeout=7": 7.0, "?connect_timeout=1": 2.0, "?connect_timeout=0": 3.0}
    assert {query: host_seconds(f"postgresql://a,b/mail{query}") for query in limits} == limits


def test_a_log_names_a_host_and_nothing_secret() -> None:
    assert host_of("postgresql://mail:secret@db1:5433/mail?password=secret") == "db1:5433"
    assert host_of("postgresql://mail:secret@/mail?host=/run/a") == "/run/a"


def test_the_primary_is_who_takes_writes_on_the_newest_timeline() -> None:
    def said(writable: bool, timeline: int) -> Standing:
        return Standing(writable=writable, timeline=timeline)

    standby, gone, first, second = said(False, 0), None, said(True, 1), said(True, 2)
    assert primary_of({"a": first, "b": standby, "c": gone}, preferred=None, at_least=0) == "a"
    # One that was replaced, and does not know it
    assert primary_of({"a": first, "b": second}, preferred="a", at_least=1) == "b"
    assert primary_of({"a": first, "b": gone}, preferred="a", at_least=2) is None
    assert primary_of({"a": second, "b": second}, preferred="b", at_least=2) == "b"
    assert primary_of({"a": standby, "b": gone}, preferred="a", at_least=0) is None


async def test_a_silent_host_keeps_nobody_waiting_and_what_comes_too_late_is_discarded() -> None:
    started: list[str] = []
    discarded: list[str] = []
    answered = asyncio.Event()

    async def silent() -> str:
        started.append("silent")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "too late"
        return "never"

    async def refusing() -> str:
        started.append("refusing")
        raise ConnectionRefusedError

    async def answering() -> str:
        started.append("answering")
        answered.set()
        return "answer"

    found = await first_to_succeed([silent, refusing, answering], stagger=0.001, discard=discarded.append)
    assert (found, started, discarded) == ("answer", ["silent", "refusing", "answering"], ["too late"])


async def test_of_hosts_that_all_fail_every_error_is_known() -> None:
    async def refusing() -> str:
        raise ConnectionRefusedError

    async def odd() -> str:
        raise ValueError("odd")

    # The second is not waited for: the first one's failure starts it.
    found = await first_to_succeed([refusing, odd], stagger=1000, discard=print)
    assert [type(error).__name__ for error in found] == ["ConnectionRefusedError", "ValueError"]
