"""Exchanges from one line of text, as rules and the corpus write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from gateway.mail.response import Exchange, Fault, FaultKind, Response, Stage

_LINE = re.compile(r"(?P<stage>[A-Z_]+) (?P<code>\d{3})(?: (?P<text>.*))?", re.DOTALL)
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")


def reply(line: str) -> Response:
    """`RCPT 550 5.1.1 No such user` as the response that the SMTP client would make of it; `\\n` parts lines."""
    match = _LINE.fullmatch(line)
    assert match is not None, f"not a stage and a reply: {line!r}"
    text = (match["text"] or "").replace("\\n", "\n")
    enhanced = _ENHANCED.match(text)
    return Response(
        code=int(match["code"]), enhanced=enhanced[0] if enhanced else None, text=text, stage=Stage(match["stage"])
    )


def answered(line: str, *, dot_sent: bool | None = None) -> Exchange:
    """The exchange that this reply decided; the dot had left when the reply is to the end of data."""
    response = reply(line)
    return exchange(
        response=response,
        stage=response.stage,
        dot_sent=response.stage is Stage.END_OF_DATA if dot_sent is None else dot_sent,
    )


def broken(line: str, *, dot_sent: bool = False, response: Response | None = None) -> Exchange:
    """`RCPT TIMEOUT`: an exchange that ended in a fault."""
    stage, kind = line.split()
    fault = Fault(kind=FaultKind(kind), stage=Stage(stage), text="as scripted")
    return exchange(response=response, fault=fault, stage=Stage(stage), dot_sent=dot_sent)


def exchange(
    *, stage: Stage, response: Response | None = None, fault: Fault | None = None, dot_sent: bool = False
) -> Exchange:
    return Exchange(
        replies=() if response is None else (response,),
        response=response,
        fault=fault,
        stage=stage,
        dot_sent=dot_sent,
        relay="main",
        host="mx.customer.example",
        tls=None,
        started_at=datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
        took_ms=12,
    )
