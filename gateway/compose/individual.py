"""Mail to one customer: the same letter, template, sender and facts always give the same bytes."""

from __future__ import annotations

from gateway.compose.calendar import invite
from gateway.compose.headers import (
    MIME_VERSION,
    Composed,
    Facts,
    address_headers,
    boundary,
    date_headers,
    reply_to_header,
    tracked_replies,
)
from gateway.compose.sender_profiles import SenderVersion
from gateway.compose.tracked_links import TrackedLinks
from gateway.errors import Refusal, RefusalCode
from gateway.mail import mime
from gateway.mail.header import raw_header, text_header
from gateway.mail.keys import Keyring
from gateway.mail.letter import ESignatureLetter, Letter, Mailbox, WorkOrderLetter
from gateway.mail.mime import AttachedFile, Entity
from gateway.mail.source import SourceType
from gateway.templates import builtin
from gateway.templates.html_links import add_pixel, rewrite_html, rewrite_text
from gateway.templates.versions import CompiledTemplate

# An e-signature's portal link must arrive as it is; card mail has neither tracked links nor a pixel.
_REWRITES_LINKS = frozenset({SourceType.WORK_ORDER})
_HAS_PIXEL = frozenset({SourceType.WORK_ORDER, SourceType.E_SIGNATURE})


def compose(
    letter: Letter,
    *,
    template: CompiledTemplate,
    sender: SenderVersion,
    facts: Facts,
    keyring: Keyring,
    attachments: tuple[AttachedFile, ...] = (),
) -> Composed:
    """One letter as a mail. Raises Refusal(INVALID): files with an e-signature that stays online."""
    if isinstance(letter, ESignatureLetter) and letter.online_only and attachments:
        message = "The document stays online only: attach nothing, or clear onlineOnly."
        raise Refusal(RefusalCode.INVALID, message, ("attachmentIds",))
    subject, html, text = _render(letter, template, sender, facts)
    html, text = _track(letter.source_type, html, text, facts, keyring)
    alternatives = [
        mime.text_part("plain", text),
        mime.text_part("html", html if html.endswith("\n") else f"{html}\n"),
    ]
    files = [mime.file_part(file) for file in attachments]
    if isinstance(letter, WorkOrderLetter):
        _add_calendar(letter, sender, facts, alternatives, files)
    body = mime.multipart("alternative", boundary(facts, "a"), alternatives)
    if files:
        body = mime.multipart("mixed", boundary(facts, "m"), [body, *files])
    head = address_headers(sender, facts) + text_header("Subject", subject) + date_headers(facts)
    replies = tracked_replies(sender, facts, keyring)
    head += reply_to_header(sender, replies(facts.ref) if replies else None)
    head += MIME_VERSION + raw_header("Auto-Submitted", "auto-generated")
    return Composed(subject=subject, content=b"".join(body.chunks(head)))


def _render(letter: Letter, template: CompiledTemplate, sender: SenderVersion, facts: Facts) -> tuple[str, str, str]:
    if template.letter is None:
        raise ValueError(f"{template.name} is a campaign's template")
    values = {
        "customer_name": facts.customer_name or "",
        "sender_name": sender.from_name or sender.name,
        "signature": sender.signature or "",
        "postal_address": sender.postal_address or "",
        "locale": template.locale,
    }
    values |= builtin.values_of(letter, _format_locale(facts.locale, template.locale), facts.time_zone)
    subject, html, text = builtin.fill(template.letter, values)
    own = letter.subject if isinstance(letter, ESignatureLetter) else None
    return own or subject, html, text


def _format_locale(wanted: str, template: str) -> str:
    """The locale of dates and money: the customer's own where the template is in its language, else the template's."""
    return wanted if wanted.replace("_", "-").split("-")[0].lower() == template.split("-")[0].lower() else template


def _track(source_type: SourceType, html: str, text: str, facts: Facts, keyring: Keyring) -> tuple[str, str]:
    if not facts.tracked or source_type not in _HAS_PIXEL:
        return html, text
    urls = TrackedLinks(facts, keyring)
    if source_type not in _REWRITES_LINKS:
        return add_pixel(html, pixel=urls.pixel()), text
    page = rewrite_html(html, link=urls.click)
    html = add_pixel(page.html, pixel=urls.pixel(), honeypot=urls.honeypot())
    return html, rewrite_text(text, link=urls.click, first=len(page.urls) + 1).html


def _add_calendar(
    letter: WorkOrderLetter, sender: SenderVersion, facts: Facts, alternatives: list[Entity], files: list[Entity]
) -> None:
    invitation = invite(
        letter,
        customer_id=facts.ref.customer_id,
        organizer=Mailbox(address=sender.from_address, name=sender.from_name),
        attendee=facts.to,
        sequence=facts.sequence if letter.sequence is None else letter.sequence,
        sent_at=facts.mail_date,
    )
    if invitation is None:
        return
    alternatives.append(mime.calendar_part(invitation.method, invitation.content))
    name = "cancel.ics" if invitation.method == "CANCEL" else "invite.ics"
    files.append(mime.file_part(AttachedFile(name=name, media_type="application/ics", content=invitation.content)))
