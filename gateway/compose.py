"""Letter and template become bytes: the same letter, template, sender and facts always give the same mail.

Letters to one customer are rendered and put together as MIME entities. Campaign mail goes the fast way: everything
that is the same for all recipients was encoded when the template was published, and a recipient costs the values.
`compose_reference` goes the long way for a campaign mail; both give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from html import escape
from uuid import UUID

from gateway import builtin, mime
from gateway.calendar import invite
from gateway.errors import Refusal, RefusalCode
from gateway.links import rewrite_html, rewrite_text
from gateway.mail.header import mailboxes_header, raw_header, text_header
from gateway.mail.keys import Keyring
from gateway.mail.letter import CampaignLetter, ESignatureLetter, Letter, Mailbox, WorkOrderLetter
from gateway.mail.message import MessageRef
from gateway.mail.quoted_printable import encode_piece
from gateway.mail.source import SourceType
from gateway.mail.tracking import HONEYPOT_LINK, click_url, open_url, trackable, unsubscribe_url
from gateway.mail.value import value
from gateway.merge import (
    NOT_IN_SUBJECT,
    Field,
    Link,
    Mark,
    MergeParts,
    Piece,
    fill_destination,
    fill_subject,
    value_of,
)
from gateway.mime import AttachedFile, Entity
from gateway.recent import Recent
from gateway.sender import SenderVersion
from gateway.template import CompiledTemplate

__all__ = ["AttachedFile", "Composed", "Facts", "compose", "compose_campaign", "compose_reference", "render_subject"]

COMPOSER_VERSION = 2
"""Rises when the same input would give other bytes; golden files pin each version."""

# An e-signature's portal link must arrive as it is, and card mail is left alone altogether.
_REWRITES_LINKS = frozenset({SourceType.WORK_ORDER})
_HAS_PIXEL = frozenset({SourceType.WORK_ORDER, SourceType.E_SIGNATURE})


@value
class Facts:
    """What a mail says besides its letter. `mail_date` is aware and counts to the second; the zone is IANA's.

    `token_key_id` is the key of its links' tokens when an old mail is composed again; None: the newest. `sequence` is
    a work order's .ics SEQUENCE, as the ledger counts.
    """

    ref: MessageRef
    mail_date: datetime
    to: Mailbox
    customer_name: str | None
    locale: str
    time_zone: str
    message_id_domain: str
    public_url: str
    tracked: bool
    cc: tuple[Mailbox, ...] = ()
    sequence: int | None = None
    campaign_id: UUID | None = None
    token_key_id: str | None = None
    honeypot: bool = False

    @property
    def message_id(self) -> str:
        """The Message-ID (RFC 5322 3.6.4), with its brackets: it names the message's row."""
        return f"<{self.ref.message_id.hex}.{self.ref.customer_id}@{self.message_id_domain}>"


@value
class Composed:
    """A mail ready for the wire, without DKIM-Signature.

    ASCII, unless an address in its To or Cc is not: then only a server with SMTPUTF8 can take it.
    """

    subject: str
    content: bytes


# Letters to one customer -----------------------------------------------------------------------------------------


def compose(
    letter: Letter,
    *,
    template: CompiledTemplate,
    sender: SenderVersion,
    facts: Facts,
    keyring: Keyring,
    attachments: tuple[AttachedFile, ...] = (),
) -> Composed:
    """One letter as a mail. Raises Refusal: files with an e-signature that stays online, MERGE_FIELD_MISSING."""
    if isinstance(letter, CampaignLetter):
        return compose_campaign(
            template=template, sender=sender, facts=facts, merge_data=letter.merge_data, keyring=keyring
        )
    if isinstance(letter, ESignatureLetter) and letter.online_only and attachments:
        message = "The document stays online only: attach nothing, or clear onlineOnly."
        raise Refusal(RefusalCode.INVALID, message, ("attachmentIds",))
    subject, html, text = _render(letter, template, sender, facts)
    html, text = _track(letter.source_type, html, text, facts, keyring)
    alternatives = [
        mime.text_part("plain", [text]),
        mime.text_part("html", [html if html.endswith("\n") else f"{html}\n"]),
    ]
    files = [mime.file_part(file) for file in attachments]
    if isinstance(letter, WorkOrderLetter):
        _add_calendar(letter, sender, facts, alternatives, files)
    body = mime.multipart("alternative", _boundary(facts, "a"), alternatives)
    if files:
        body = mime.multipart("mixed", _boundary(facts, "m"), [body, *files])
    head = _addresses(sender, facts) + text_header("Subject", subject) + _identity(facts, sender)
    head += raw_header("Auto-Submitted", "auto-generated")
    return Composed(subject=subject, content=_whole(head, body))


def _render(letter: Letter, template: CompiledTemplate, sender: SenderVersion, facts: Facts) -> tuple[str, str, str]:
    if template.letter is None:
        raise ValueError(f"{template.name} is a campaign's template")
    words = {
        "customer_name": facts.customer_name or "",
        "sender_name": sender.from_name or sender.name,
        "signature": sender.signature or "",
        "postal_address": sender.postal_address or "",
        "locale": template.locale,
    }
    words |= builtin.words_of(letter, _spoken(facts.locale, template.locale), facts.time_zone)
    subject, html, text = builtin.fill(template.letter, words)
    own = letter.subject if isinstance(letter, ESignatureLetter) else None
    return own or subject, html, text


def _spoken(wanted: str, template: str) -> str:
    """Dates in the customer's own locale where the template speaks its language; else in the template's."""
    return wanted if wanted.replace("_", "-").split("-")[0].lower() == template.split("-")[0].lower() else template


def _track(source_type: SourceType, html: str, text: str, facts: Facts, keyring: Keyring) -> tuple[str, str]:
    if not facts.tracked or source_type not in _HAS_PIXEL:
        return html, text
    urls = _Urls(facts, keyring)
    if source_type not in _REWRITES_LINKS:
        return rewrite_html(html, link=lambda _, url: url, leave=lambda _: True, pixel=urls.pixel()).html, text
    page = rewrite_html(html, link=urls.click, pixel=urls.pixel(), honeypot=urls.honeypot())
    return page.html, rewrite_text(text, link=urls.click, first=len(page.urls) + 1).html


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


# Headers ---------------------------------------------------------------------------------------------------------


def _addresses(sender: SenderVersion, facts: Facts) -> str:
    head = mailboxes_header("From", [(sender.from_name, sender.from_address)])
    return head + mailboxes_header("To", [(facts.to.name, facts.to.address)]) + _copies(facts)


def _copies(facts: Facts) -> str:
    return mailboxes_header("Cc", [(mailbox.name, mailbox.address) for mailbox in facts.cc]) if facts.cc else ""


def _identity(facts: Facts, sender: SenderVersion) -> str:
    return _moment(facts) + _answers_to(sender)


def _moment(facts: Facts) -> str:
    return f"Date: {_date(int(facts.mail_date.timestamp()))}\r\nMessage-ID: {facts.message_id}\r\n"


def _answers_to(sender: SenderVersion) -> str:
    head = mailboxes_header("Reply-To", [(None, sender.reply_to)]) if sender.reply_to else ""
    return head + raw_header("MIME-Version", "1.0")


@lru_cache(maxsize=64)
def _date(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC))


def _campaign_headers(campaign_id: UUID | None, template: CompiledTemplate) -> str:
    """What campaign mail carries behind List-Unsubscribe: RFC 8058, and Feedback-ID for providers' reports."""
    return (
        raw_header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
        + raw_header("Feedback-ID", f"{(campaign_id or template.id).hex}:{template.template_id.hex}:campaign:mail")
        + raw_header("Precedence", "bulk")
    )


def _boundary(facts: Facts, which: str) -> str:
    return f"=_{which}{facts.ref.message_id.hex}"


def _whole(head: str, body: Entity) -> bytes:
    return b"".join(body.chunks(head))


# Tracked addresses -----------------------------------------------------------------------------------------------


class _Urls:
    """The addresses of one mail's pixel and links."""

    __slots__ = ("_facts", "_keyring")

    def __init__(self, facts: Facts, keyring: Keyring) -> None:
        self._facts = facts
        self._keyring = keyring

    def pixel(self) -> str:
        facts = self._facts
        return open_url(self._keyring, facts.public_url, facts.ref, key_id=facts.token_key_id)

    def click(self, number: int, destination: str) -> str:
        facts = self._facts
        if not trackable(destination):
            return destination
        return click_url(self._keyring, facts.public_url, facts.ref, number, destination, key_id=facts.token_key_id)

    def honeypot(self) -> str | None:
        return self.click(HONEYPOT_LINK, f"{self._facts.public_url}/") if self._facts.honeypot else None

    def of(self, mark: Mark) -> str | None:
        """The address inside a mark; ours need no escaping."""
        return self.pixel() if mark.kind == "pixel" else self.honeypot()

    def unsubscribe(self) -> str:
        facts = self._facts
        return unsubscribe_url(self._keyring, facts.public_url, facts.ref, key_id=facts.token_key_id)


# Campaign mail ---------------------------------------------------------------------------------------------------


def render_subject(
    template: CompiledTemplate, merge_data: Mapping[str, str], *, customer_name: str | None = None
) -> str:
    """A campaign mail's subject, for its row in the ledger: the same that composing gives.

    Old versions may hold what publishing refuses now and the row cannot know: it shows nothing, or the default.
    """
    values = {**merge_data, **dict.fromkeys(NOT_IN_SUBJECT, ""), "customer_name": customer_name or ""}
    return fill_subject(_parts(template).subject, values)


def compose_campaign(
    *,
    template: CompiledTemplate,
    sender: SenderVersion,
    facts: Facts,
    merge_data: Mapping[str, str],
    keyring: Keyring,
) -> Composed:
    """One recipient's mail of a campaign, of the pieces that publishing encoded.

    Raises Refusal(MERGE_FIELD_MISSING).
    """
    plate = _plate(template, sender, facts.campaign_id)
    urls = _Urls(facts, keyring)
    unsubscribe = urls.unsubscribe()
    values = {
        **merge_data,
        "unsubscribe_url": unsubscribe,
        "postal_address": plate.postal_address,
        "customer_name": facts.customer_name or "",
    }
    subject = fill_subject(plate.subject, values)
    boundary = _boundary(facts, "a")
    pieces = plate.pieces.copy()
    pieces[0] = (
        f"{plate.sender}{mailboxes_header('To', [(facts.to.name, facts.to.address)])}{_copies(facts)}"
        f"{_subject_header(subject)}{_moment(facts)}{plate.identity}List-Unsubscribe: <{unsubscribe}>\r\n"
        f'{plate.campaign}Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
    )
    tracked = urls if facts.tracked else None
    for place, number, destination, untouched in plate.links:
        pieces[place] = encode_piece(tracked.click(number, destination)) if tracked else untouched
    for field, places in plate.fields:
        value = value_of(field, values)
        coded = encode_piece(value)
        coded_html = encode_piece(escape(value)) if _SPECIAL.search(value) else coded
        for place, html in places:
            pieces[place] = coded_html if html else coded
    for place, piece, html in plate.slots:
        if isinstance(piece, Mark):
            url = tracked and tracked.of(piece)
            if url:
                pieces[place] = f"{_coded(piece.before)}{encode_piece(url)}{_coded(piece.after)}"
        else:
            pieces[place] = encode_piece(_shown(piece, values, tracked, html=html))
    for place, start in plate.boundaries:
        pieces[place] = start % boundary
    return Composed(subject=subject, content="".join(pieces).encode())


_coded = lru_cache(maxsize=64)(encode_piece)


@lru_cache(maxsize=64)
def _subject_header(subject: str) -> str:
    """Most campaigns have one subject for everybody."""
    return text_header("Subject", subject)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plate:
    """What is the same for all recipients of a campaign, ready to be copied and filled in.

    `pieces` is the mail with gaps, the first of them for the head. `links` lead everybody to one page: where,
    number, destination, how it looks untracked. `fields` are the values put in, each with its places and whether they
    are in HTML. `slots` are for links that differ, and marks: where, what, whether in HTML.
    `boundaries` are the lines between parts. It keeps template and sender, by whose identity it is found.
    """

    template: CompiledTemplate
    made_for: SenderVersion
    sender: str
    identity: str
    campaign: str
    postal_address: str
    subject: tuple[Piece, ...]
    pieces: list[str]
    links: tuple[tuple[int, int, str, str], ...]
    fields: tuple[tuple[Field, tuple[tuple[int, bool], ...]], ...]
    slots: tuple[tuple[int, Link | Mark, bool], ...]
    boundaries: tuple[tuple[int, str], ...]


_PLATES = Recent[tuple[int, int, UUID | None], _Plate](64)


def _plate(template: CompiledTemplate, sender: SenderVersion, campaign_id: UUID | None) -> _Plate:
    key = (id(template), id(sender), campaign_id)
    return _PLATES.get(key) or _PLATES.put(key, _make_plate(template, sender, campaign_id))


def _make_plate(template: CompiledTemplate, sender: SenderVersion, campaign_id: UUID | None) -> _Plate:
    parts = _parts(template)
    text, html = list(parts.coded_text), list(parts.coded_html)
    html_start = 2 + len(text) + 1
    gaps = [(2 + place, piece, False) for place, piece in enumerate(parts.text) if not isinstance(piece, str)]
    gaps += [(html_start + place, piece, True) for place, piece in enumerate(parts.html) if not isinstance(piece, str)]
    return _Plate(
        template=template,
        made_for=sender,
        sender=mailboxes_header("From", [(sender.from_name, sender.from_address)]),
        identity=_answers_to(sender),
        campaign=_campaign_headers(campaign_id, template),
        postal_address=_one_line(sender.postal_address),
        subject=parts.subject,
        pieces=["", "", *text, "", *html, ""],
        links=tuple(_fixed_links(gaps)),
        fields=_fields(gaps),
        slots=tuple(
            (place, piece, html) for place, piece, html in gaps if not isinstance(piece, Field) and not _is_fixed(piece)
        ),
        boundaries=(
            (1, f"--%s\r\n{mime.TEXT_HEADERS}"),
            (html_start - 1, f"--%s\r\n{mime.HTML_HEADERS}"),
            (html_start + len(html), "--%s--\r\n"),
        ),
    )


def _fields(
    gaps: list[tuple[int, Field | Link | Mark, bool]],
) -> tuple[tuple[Field, tuple[tuple[int, bool], ...]], ...]:
    places: dict[Field, list[tuple[int, bool]]] = {}
    for place, piece, html in gaps:
        if isinstance(piece, Field):
            places.setdefault(piece, []).append((place, html))
    return tuple((field, tuple(found)) for field, found in places.items())


def _fixed_links(gaps: list[tuple[int, Field | Link | Mark, bool]]) -> Iterator[tuple[int, int, str, str]]:
    for place, piece, html in gaps:
        if isinstance(piece, Link) and _is_fixed(piece):
            destination = "".join(map(str, piece.destination))
            yield place, piece.number, destination, encode_piece(escape(destination) if html else destination)


def _is_fixed(piece: Piece) -> bool:
    """Whether a link counts clicks and leads everybody to the same page."""
    if not isinstance(piece, Link) or piece.number == 0 or len(piece.destination) != 1:
        return False
    destination = piece.destination[0]
    return isinstance(destination, str) and trackable(destination)


def compose_reference(
    *,
    template: CompiledTemplate,
    sender: SenderVersion,
    facts: Facts,
    merge_data: Mapping[str, str],
    keyring: Keyring,
) -> Composed:
    """The same mail the long way: filled in, encoded whole and put together as MIME entities. For proof, not speed."""
    parts = _parts(template)
    urls = _Urls(facts, keyring)
    values = _values(merge_data, sender, facts, urls.unsubscribe())
    subject = fill_subject(parts.subject, values)
    tracked = urls if facts.tracked else None
    text = [shown for piece in parts.text for shown in _pieces(piece, values, tracked, html=False)]
    html = [shown for piece in parts.html for shown in _pieces(piece, values, tracked, html=True)]
    body = mime.multipart(
        "alternative", _boundary(facts, "a"), [mime.text_part("plain", text), mime.text_part("html", html)]
    )
    head = _addresses(sender, facts) + text_header("Subject", subject) + _identity(facts, sender)
    head += raw_header("List-Unsubscribe", f"<{values['unsubscribe_url']}>")
    head += _campaign_headers(facts.campaign_id, template)
    return Composed(subject=subject, content=_whole(head, body))


def _parts(template: CompiledTemplate) -> MergeParts:
    if template.merge is None:
        raise ValueError(f"{template.name} is no campaign's template")
    return template.merge


def _values(merge_data: Mapping[str, str], sender: SenderVersion, facts: Facts, unsubscribe: str) -> dict[str, str]:
    return {
        **merge_data,
        "unsubscribe_url": unsubscribe,
        "postal_address": _one_line(sender.postal_address),
        "customer_name": facts.customer_name or "",
    }


def _one_line(postal_address: str | None) -> str:
    return ", ".join((postal_address or "").splitlines())


def _pieces(piece: Piece, values: Mapping[str, str], urls: _Urls | None, *, html: bool) -> tuple[str, ...]:
    """A piece as the strings that are encoded one by one."""
    match piece:
        case str():
            return (piece,)
        case Mark():
            url = urls and urls.of(piece)
            return (piece.before, url, piece.after) if url else ()
        case _:
            return (_shown(piece, values, urls, html=html),)


def _shown(piece: Field | Link, values: Mapping[str, str], urls: _Urls | None, *, html: bool) -> str:
    """What stands in the mail for a value. Without `urls` nothing is tracked."""
    if isinstance(piece, Field):
        shown = value_of(piece, values)
    else:
        shown = fill_destination(piece, values)
        if urls is not None and piece.number > 0:
            shown = urls.click(piece.number, shown)
    return escape(shown) if html and _SPECIAL.search(shown) else shown


_SPECIAL = re.compile("[&<>\"']")
