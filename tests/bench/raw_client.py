"""The ceiling of the sender: a raw asyncio client that pipelines, and only sends and counts replies.

One coroutine a connection over asyncio's streams; the content is encoded already. MAIL, RCPT and DATA are sent in one
write (RFC 2920); with `ahead` those of the next mail go in the same write as the content, which no common client does.
Only the first digit of a reply is checked, and nothing is kept or returned.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Iterator

import uvloop

CONNECTIONS = 20
CONTENT = (
    b"From: Fabrikam <news@fabrikam.test>\r\nTo: somebody@example.test\r\nSubject: A letter of eight kilobytes\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    + b'<p style=3D"margin:0 0 12px">Hello. See https://fabrikam.test/a/b.html now</p>\r\n'
    * 98
)
"""8 KiB of typical HTML with dots, none at the start of a line."""


async def reply(reader: asyncio.StreamReader) -> None:
    """Reads one reply with all its lines. Raises RuntimeError for a negative one."""
    while True:
        line = await reader.readline()
        if line[:1] not in (b"2", b"3"):
            raise RuntimeError(f"the sink said {line!r}")
        if line[3:4] != b"-":
            return


def commands(number: int) -> bytes:
    """Returns MAIL, RCPT and DATA of one mail."""
    return b"MAIL FROM:<b%d@raw.test> SIZE=8192\r\nRCPT TO:<r%d@x.test>\r\nDATA\r\n" % (number, number)


async def connection(port: int, numbers: Iterator[int], ahead: bool) -> None:
    """Sends mails on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reply(reader)
    writer.write(b"EHLO raw.test\r\n")
    await reply(reader)
    if ahead:
        writer.write(commands(0))
        for _ in range(3):
            await reply(reader)
    for number in numbers:
        if ahead:
            writer.write(b"%b.\r\n%b" % (CONTENT, commands(number)))
            for _ in range(4):
                await reply(reader)
        else:
            writer.write(commands(number))
            for _ in range(3):
                await reply(reader)
            writer.write(CONTENT + b".\r\n")
            await reply(reader)
    writer.close()


async def send(port: int, messages: int, *, ahead: bool = False, connections: int = CONNECTIONS) -> float:
    """Send `messages`; returns messages a second."""
    numbers = iter(range(messages))
    begun = time.perf_counter()
    await asyncio.gather(*(connection(port, numbers, ahead) for _ in range(connections)))
    return messages / (time.perf_counter() - begun)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--messages", type=int, required=True)
    arguments = parser.parse_args()
    print(uvloop.run(send(arguments.port, arguments.messages, ahead=True)))
