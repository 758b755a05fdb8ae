"""Our own sink: what it takes, counts and tells."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from tests.bench.sink import _Sink, chosen_sink


class Wire:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)


def connected() -> tuple[_Sink, Wire]:
    connection, wire = _Sink(0.0), Wire()
    connection.connection_made(cast(asyncio.Transport, wire))
    wire.written.clear()
    return connection, wire


def test_mails_of_all_connections_are_counted_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Sink, "taken", 0)
    (one, _), (other, wire) = connected(), connected()
    for connection in (one, other):
        connection.data_received(
            b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@x.test>\r\nDATA\r\nSubject: STAT\r\n\r\nSTAT\r\n.\r\n"
        )
    wire.written.clear()
    other.data_received(b"STAT\r\n")
    assert wire.written == [b"250 2\r\n"]


def test_a_sink_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SINK", "exim")
    with pytest.raises(SystemExit, match="own or postfix"), chosen_sink():
        pass


def test_postfix_is_refused_where_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SINK", "postfix")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="smtp-sink on the PATH"), chosen_sink():
        pass
