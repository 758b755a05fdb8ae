"""The reports that mail systems send about the demo's mail: delivery reports (RFC 3464) and complaints (RFC 5965)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parseaddr

from service.standalone.demo.answers import Answer, AnswerKind, OutgoingMail, TakenMail

HOST_NAME = "mx.northlight.example"
_RETRIED_FOR = timedelta(days=5)
_RECEIVED_FROM = "192.0.2.10"
_OPENINGS = {
    AnswerKind.BOUNCE: (
        "I'm sorry to have to inform you that your message could not be delivered. Its headers are attached below."
    ),
    AnswerKind.DELAY: (
        "THIS IS A WARNING ONLY. YOU DO NOT NEED TO RESEND YOUR MESSAGE.\r\n\r\n"
        "Your message could not be delivered yet. It will be retried until it is 5 days old."
    ),
}
_SUBJECTS = {
    AnswerKind.BOUNCE: "Undelivered Mail Returned to Sender",
    AnswerKind.DELAY: "Delayed Mail (still being retried)",
}


def delivery_report(mail: TakenMail, answer: Answer, at: datetime) -> OutgoingMail:
    """Returns the report of a mail that came back (BOUNCE) or waits (DELAY), in the words of the server behind the
    relay, to the mail's return path. `at` is when it is written."""
    said = answer.words.format(address=mail.recipient)
    head = _lines(
        f"From: Mail Delivery System <MAILER-DAEMON@{HOST_NAME}>",
        f"To: {mail.return_path}",
        f"Subject: {_SUBJECTS[answer.kind]}",
        f"Date: {format_datetime(at)}",
        f"Message-ID: <{mail.number}.{answer.kind.lower()}@{HOST_NAME}>",
        "Auto-Submitted: auto-replied",
    )
    explanation = _lines(
        f"This is the mail system at host {HOST_NAME}.", "", _OPENINGS[answer.kind], "", f"<{mail.recipient}>: {said}"
    )
    fields = _lines(
        f"Reporting-MTA: dns; {HOST_NAME}",
        f"X-Postfix-Queue-ID: {mail.number}",
        f"Arrival-Date: {format_datetime(at - timedelta(seconds=answer.after))}",
        "",
        f"Final-Recipient: rfc822; {mail.recipient}",
        f"Original-Recipient: rfc822;{mail.recipient}",
        *_outcome(mail, answer, said, at),
    )
    parts = [("text/plain", explanation), ("message/delivery-status", fields)]
    content = _report(head, "delivery-status", f"{mail.number}/{HOST_NAME}", parts, mail)
    return OutgoingMail(sender="", recipient=mail.return_path, content=content)


def _outcome(mail: TakenMail, answer: Answer, said: str, at: datetime) -> list[str]:
    """What became of the recipient (RFC 3464 2.3)."""
    status = said.split(" ", 2)[1]
    if answer.kind is AnswerKind.BOUNCE:
        server = f"mx.{mail.recipient.rpartition('@')[2]}"
        return [
            "Action: failed",
            f"Status: {status}",
            f"Remote-MTA: dns; {server}",
            f"Diagnostic-Code: smtp; {said}",
        ]
    return [
        "Action: delayed",
        f"Status: {status}",
        f"Diagnostic-Code: X-Postfix; {said}",
        f"Will-Retry-Until: {format_datetime(at + _RETRIED_FOR)}",
    ]


def complaint(mail: TakenMail, at: datetime) -> OutgoingMail | None:
    """Returns the provider's report that the reader called the mail spam, to its CFBL-Address; None for a mail that
    asks for no reports."""
    asked = re.match(r"[^\s;]+", mail.message()["CFBL-Address"] or "")
    if asked is None:
        return None
    provider = mail.recipient.rpartition("@")[2]
    sender = f"feedback@{provider}"
    head = _lines(
        f"From: {provider} feedback loop <{sender}>",
        f"To: {asked[0]}",
        f"Subject: Abuse report for mail from {parseaddr(str(mail.message()['From']))[1]}",
        f"Date: {format_datetime(at)}",
        f"Message-ID: <{mail.number}.complaint@{provider}>",
    )
    explanation = _lines(f"A reader at {provider} has marked the mail whose headers are below as spam.")
    fields = _lines(
        "Feedback-Type: abuse",
        "User-Agent: Feedback-Loop/1.0",
        "Version: 1",
        f"Original-Mail-From: <{mail.return_path}>",
        f"Original-Rcpt-To: <{mail.recipient}>",
        f"Arrival-Date: {format_datetime(at)}",
        f"Source-IP: {_RECEIVED_FROM}",
        f"Reporting-MTA: dns; mx.{provider}",
    )
    parts = [("text/plain", explanation), ("message/feedback-report", fields)]
    content = _report(head, "feedback-report", f"{mail.number}/{provider}", parts, mail)
    return OutgoingMail(sender=sender, recipient=asked[0], content=content)


def mail_time(seconds: float) -> datetime:
    """Returns the point in time as a mail's Date has it: to the second, in UTC."""
    return datetime.fromtimestamp(int(seconds), UTC)


def _lines(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


def _report(head: bytes, kind: str, boundary: str, parts: list[tuple[str, bytes]], mail: TakenMail) -> bytes:
    """Returns a multipart/report (RFC 6522): the parts, and behind them the headers of the mail that it is about."""
    media = _lines(
        "MIME-Version: 1.0", f'Content-Type: multipart/report; report-type={kind};\r\n boundary="{boundary}"', ""
    )
    body = b"".join(
        _lines(f"--{boundary}", f"Content-Type: {media_type}", "") + content + b"\r\n"
        for media_type, content in (*parts, ("text/rfc822-headers", mail.header_lines))
    )
    return head + media + body + _lines(f"--{boundary}--")
