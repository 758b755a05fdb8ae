"""A mail of ours as the demo relay takes it."""

from __future__ import annotations

from datetime import UTC, datetime

from service.standalone.demo.answers import TakenMail

AT = datetime(2026, 11, 30, 9, 15, tzinfo=UTC)
RETURN_PATH = "b2k1abcdefghijklmnopqrstuvwxyz234567@bounce.northlight.example"
REPLY_TO = "r2k1abcdefghijklmnopqrstuvwxyz234567@reply.northlight.example"
COMPLAINTS_TO = "c2k1abcdefghijklmnopqrstuvwxyz234567@bounce.northlight.example"
MESSAGE_ID = "019a0b1c2d3e7f408a5b6c7d8e9f0a1b.7@northlight.example"


def taken(to: str = "Leila Haddad <leila.haddad@willowmail.example>", subject: str = "Reminder: x") -> TakenMail:
    """A mail with a text of two lines to this mailbox."""
    head = (
        "From: Northlight Home Systems <office@northlight.example>",
        f"To: {to}",
        f"Reply-To: {REPLY_TO}",
        f"Subject: {subject}",
        f"Message-ID: <{MESSAGE_ID}>",
        "Date: Mon, 30 Nov 2026 09:14:50 +0000",
        f"CFBL-Address: {COMPLAINTS_TO}; report=arf",
        "CFBL-Feedback-ID: t0kenOfOurs",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "Dear customer,",
        "we come on Thursday.",
        "",
    )
    address = to.rpartition("<")[2].rstrip(">")
    return TakenMail(return_path=RETURN_PATH, recipient=address, content="\r\n".join(head).encode(), number="4XYZ12AB")
