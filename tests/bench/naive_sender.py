"""The sender that one would write first: one arq job a mail, EmailMessage, aiosmtplib, an UPDATE.

`python -m arq tests.bench.naive_sender.WorkerSettings` with REDIS_URL, DATABASE_URL, SMTP_PORT and MAIL_HTML.
"""

from __future__ import annotations

import asyncio
import os
from email.message import EmailMessage
from typing import Any, ClassVar

import aiosmtplib
import asyncpg
from arq.connections import RedisSettings

CONNECTIONS = 20
TABLE = (
    "create table if not exists mail (id bigint generated always as identity primary key, recipient text not null,"
    " name text not null, status text not null default 'QUEUED', response text, sent_at timestamptz)"
)


async def send_mail(context: dict[str, Any], mail_id: int, recipient: str, name: str) -> None:
    """Send one mail, and note what the server said."""
    message = EmailMessage()
    message["From"] = "Fabrikam <news@fabrikam.test>"
    message["To"] = recipient
    message["Subject"] = f"News for {name}"
    message.set_content(f"Hello {name}")
    message.add_alternative(f"<p>Hello {name}</p>\n{context['page']}", subtype="html")
    client = await context["clients"].get()
    try:
        _, response = await client.send_message(message)
    finally:
        context["clients"].put_nowait(client)
    await context["pool"].execute(
        "update mail set status = 'SENT', response = $2, sent_at = now() where id = $1", mail_id, response
    )


async def startup(context: dict[str, Any]) -> None:
    """Open the connections, which are kept."""
    context["page"] = os.environ["MAIL_HTML"]
    context["pool"] = await asyncpg.create_pool(os.environ["DATABASE_URL"])
    context["clients"] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=int(os.environ["SMTP_PORT"]), use_tls=False)
        await client.connect()
        context["clients"].put_nowait(client)


async def shutdown(context: dict[str, Any]) -> None:
    """Close them."""
    while not context["clients"].empty():
        await context["clients"].get_nowait().quit()
    await context["pool"].close()


class WorkerSettings:
    """What arq's command reads. It looks for jobs more often than by default, which shortens the wait, not the work."""

    functions: ClassVar = [send_mail]
    on_startup = startup
    on_shutdown = shutdown
    redis_settings = RedisSettings.from_dsn(os.environ.get("REDIS_URL", "redis://localhost:6379"))
    max_jobs = CONNECTIONS
    poll_delay = 0.1
