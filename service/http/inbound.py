"""`POST /inbound/raw`: a received mail's bytes as the body, its envelope in `?to=` (repeatable) and `?from=`.

    curl --data-binary @mail.eml -H "Authorization: Bearer $TOKEN" "$URL/inbound/raw?to=office@reply.fabrikam.com&from="

For providers that take our mail and post it on. An empty `from` is the null sender; what is left out is unknown, and
the mail's own fields decide. 201 once the mail is on the disk, 200 when it was there already: a provider that got no
answer sends it again. The token is one of `python -m service token create --inbound NAME`, or any other.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from typing import IO

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.inbound.addresses import Addresses, Rejection
from gateway.inbound.smtp_session import RefusedFor
from gateway.inbound.store import Envelope, InboundSource, Received, store_all
from gateway.telemetry.metrics import INBOUND_ACCEPTED, INBOUND_BYTES, INBOUND_REFUSED
from service.error_response import json_error
from service.errors import Busy, RequestRefused, TooSlow
from service.graph.parameters import malformed

SPOOL_MEMORY = 1_048_576
"""Bytes of a mail held in memory while it comes; a larger one is spooled to disk."""
PIECE_SECONDS = 30.0
"""How long a client may send nothing in the middle of a mail."""
MAIL_SECONDS = 900.0
MAX_CONCURRENT_STORES = 2
"""Mails being written to the database: each is whole in memory meanwhile, with its compressed form."""
MAX_RECIPIENTS = 100
"""As by SMTP."""
MAX_ADDRESS = 512
"""Characters of a sender, as by SMTP."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_SOURCE = InboundSource.HTTP


class InboundMail:
    """The endpoint. One a process, since it bounds how many mails are stored concurrently."""

    def __init__(self) -> None:
        self._stores = asyncio.Semaphore(MAX_CONCURRENT_STORES)

    async def take(self, request: Request) -> Response:
        """201 with `{"stored": n}`, n of its recipients that did not have it yet; 200 where that is none. 400 for what
        is no mail, 413 above the limit, 422 for a recipient that is none of ours, 503 while it cannot be stored."""
        try:
            new = await self._take(request)
        except (RequestRefused, Busy) as error:
            return json_error(error)
        except TooSlow:
            return json_error(Busy("the database takes too long: try again in a moment"))
        return Response(
            orjson.dumps({"stored": new}),
            status_code=201 if new else 200,
            media_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    async def _take(self, request: Request) -> int:
        resources = request.app.state.resources
        await resources.authenticator.inbound_caller(request)
        envelopes = _envelopes(request, Addresses.of(resources.deployment))
        limit = resources.deployment.settings.inbound_max_bytes
        _check_head(request, limit)
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_MEMORY) as spool:
            await _receive(request, spool, limit)
            async with self._stores:
                raw = spool.read()
                async with resources.pools.writing_connection() as connection, connection.transaction():
                    new = len(await store_all(connection, [Received(raw=raw, envelopes=envelopes)]))
        INBOUND_ACCEPTED.labels(_SOURCE).inc()
        INBOUND_BYTES.labels(_SOURCE).inc(len(raw))
        return new


def _envelopes(request: Request, addresses: Addresses) -> tuple[Envelope, ...]:
    """Returns one a recipient. Raises RequestRefused: 400, 422."""
    sender, recipients = request.query_params.get("from"), request.query_params.getlist("to")
    if sender is not None and (len(sender) > MAX_ADDRESS or _CONTROLS.search(sender)):
        raise malformed(f"from is an address of at most {MAX_ADDRESS} characters, or empty for the null sender.")
    if len(recipients) > MAX_RECIPIENTS:
        raise malformed(f"A mail has at most {MAX_RECIPIENTS} recipients: send it again for the others.")
    for number, recipient in enumerate(recipients, start=1):
        rejection = addresses.accepts(recipient)
        if isinstance(rejection, Rejection):
            raise _no_recipient(number, rejection)
    given: list[str | None] = [*recipients] or [None]
    return tuple(Envelope(source=_SOURCE, sender=sender, recipient=recipient) for recipient in given)


def _no_recipient(number: int, rejection: Rejection) -> RequestRefused:
    if rejection is Rejection.FOREIGN_DOMAIN:
        reason, why = RefusedFor.FOREIGN_DOMAIN, "its domain is neither BOUNCE_DOMAIN nor REPLY_DOMAIN"
    else:
        reason, why = RefusedFor.UNKNOWN_RECIPIENT, "there is no such mailbox"
    INBOUND_REFUSED.labels(_SOURCE, reason).inc()
    return RequestRefused(422, rejection.value, f"Recipient {number} in to is none of ours: {why}.")


def _check_head(request: Request, limit: int) -> None:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestRefused(415, "UNSUPPORTED_ENCODING", "Send the mail without Content-Encoding.")
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise RequestRefused(415, "UNSUPPORTED_MEDIA_TYPE", "Send the mail's bytes as the body: curl --data-binary.")
    declared = request.headers.get("content-length", "")
    if declared.isdigit():
        _refuse_large(int(declared.lstrip("0")[:12] or "0"), limit)


def _refuse_large(size: int, limit: int) -> None:
    if size > limit:
        INBOUND_REFUSED.labels(_SOURCE, RefusedFor.TOO_LARGE).inc()
        raise RequestRefused(413, "TOO_LARGE", f"A mail has at most {limit} bytes here (INBOUND_MAX_BYTES).")


async def _receive(request: Request, spool: IO[bytes], limit: int) -> None:
    """Write the body to `spool` as it arrives. Raises RequestRefused: 400, 408, 413."""
    size = 0
    try:
        async with asyncio.timeout(MAIL_SECONDS), asyncio.timeout(PIECE_SECONDS) as idle:
            async for piece in request.stream():
                idle.reschedule(asyncio.get_running_loop().time() + PIECE_SECONDS)
                size += len(piece)
                _refuse_large(size, limit)
                spool.write(piece)
    except TimeoutError:
        raise RequestRefused(408, "REQUEST_TIMEOUT", "The mail took too long.", {"Connection": "close"}) from None
    except ClientDisconnect:
        raise malformed("The connection closed before the mail was complete.") from None
    if not size:
        raise malformed("The body is empty: send the mail's bytes as the body.")
    spool.seek(0)
