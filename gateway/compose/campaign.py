"""Campaign mail.

What is the same for all recipients is encoded, signed for and joined once a campaign, and becomes one function; calling
it costs what differs from one recipient to the next. `tests/reference_composer.py` is the long way to the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from html import escape
from typing import NamedTuple

from gateway.compose.headers import (
    MIME_VERSION,
    Composed,
    Facts,
    KeptFacts,
    around_tracked_replies,
    boundary,
    campaign_headers,
    complaint_id,
    copies_header,
    date_of,
    reply_to_header,
    tracked_replies,
)
from gateway.compose.sender_profiles import SenderVersion
from gateway.compose.tracked_links import TrackedLinks
from gateway.lru import LruCache
from gateway.mail import mime
from gateway.mail.header import mailboxes_header, text_header
from gateway.mail.keys import Keyring
from gateway.mail.letter import Mailbox
from gateway.mail.message import MessageRef
from gateway.mail.quoted_printable import encode_piece
from gateway.mail.signed_headers import SIGNED, SignedHeaders, names_of, relaxed
from gateway.settings import Settings
from gateway.templates.merge_fields import (
    NOT_IN_SUBJECT,
    Field,
    Link,
    MergeParts,
    Piece,
    TrackingTag,
    fields_of,
    fill_destination,
    fill_subject,
    value_of,
)
from gateway.templates.versions import CompiledTemplate
from gateway.value import value

_SPECIAL = re.compile("[&<>\"']")


def render_subject(template: CompiledTemplate, merge_data: Mapping[str, str], *, customer_name: str | None) -> str:
    """A campaign mail's subject, for its row in the ledger: the same that composing gives.

    Old versions may have fields in it that publishing refuses now and that are unknown here: they show nothing, or
    their default.
    """
    values = {**merge_data, **dict.fromkeys(NOT_IN_SUBJECT, ""), "customer_name": customer_name or ""}
    return fill_subject(_merge_parts(template).subject, values)


def campaign_facts(ref: MessageRef, kept: KeptFacts, sender: SenderVersion, settings: Settings) -> Facts:
    """What a campaign's mail is composed with, now or again: what the ledger keeps of it, and today's settings."""
    name = kept.recipient_name
    return Facts(
        ref=ref,
        mail_date=kept.mail_date,
        to=Mailbox(address=kept.recipient, name=name),
        customer_name=name,
        locale=sender.locale,
        time_zone=sender.time_zone,
        message_id_domain=sender.domain,
        public_url=settings.public_url,
        tracked=kept.tracked,
        campaign_id=kept.campaign_id,
        token_key_id=kept.token_key_id,
        composer_version=kept.composer_version,
        honeypot=settings.honeypot_link,
        bounce_domain=settings.bounce_domain,
        reply_domain=settings.reply_domain,
    )


def compose_campaign(
    *,
    template: CompiledTemplate,
    sender: SenderVersion,
    facts: Facts,
    merge_data: Mapping[str, str],
    keyring: Keyring,
    to_be_signed: bool = False,
) -> Composed:
    """One recipient's mail of a campaign, with its signed headers where it is `to_be_signed`.

    Raises Refusal(MERGE_FIELD_MISSING).
    """
    return _precompiled(template, sender, facts, keyring, to_be_signed)(facts, merge_data)


# What is the same for all recipients -----------------------------------------------------------------------------

PrecompiledMail = Callable[[Facts, Mapping[str, str]], Composed]
"""Makes one recipient's mail of a campaign. Raises Refusal(MERGE_FIELD_MISSING)."""


class _Known(NamedTuple):
    """A precompiled mail, and what its key knows by identity only, so that it lives as long."""

    mail: PrecompiledMail
    made_of: tuple[CompiledTemplate, SenderVersion, Keyring]


_PRECOMPILED = LruCache[tuple[object, ...], _Known](64)


def _precompiled(
    template: CompiledTemplate, sender: SenderVersion, facts: Facts, keyring: Keyring, to_be_signed: bool
) -> PrecompiledMail:
    """What composes mail of this template and sender, for every recipient whose facts differ from these in nothing but
    message, date, address and name."""
    key = (
        *(id(template), id(sender), id(keyring), facts.campaign_id, facts.tracked, facts.honeypot),
        *(facts.public_url, facts.token_key_id, facts.composer_version, to_be_signed),
        *(facts.bounce_domain, facts.reply_domain),
    )
    known = _PRECOMPILED.get(key)
    if known is None:
        mail = _precompile(template, sender, facts, keyring, to_be_signed)
        known = _PRECOMPILED.put(key, _Known(mail, (template, sender, keyring)))
    return known.mail


def _precompile(
    template: CompiledTemplate, sender: SenderVersion, facts: Facts, keyring: Keyring, to_be_signed: bool
) -> PrecompiledMail:
    parts = _merge_parts(template)
    postal_address = ", ".join((sender.postal_address or "").splitlines())
    urls = TrackedLinks(facts, keyring)
    body = _Body(urls if facts.tracked else None, postal_address)
    body.add_part(mime.TEXT_HEADERS, parts.text, parts.coded_text, html=False)
    body.add_part(mime.HTML_HEADERS, parts.html, parts.coded_html, html=True)
    body.end()
    fixed, separators, fields, fills = body.pieces, body.separators, tuple(body.fields.items()), tuple(body.fills)
    replies = tracked_replies(sender, facts, keyring)
    head = _Head.of(template, sender, facts, replies=replies is not None)
    subject_of, unsubscribe_of = _precompile_subject(parts.subject), urls.unsubscribes()

    def compose(facts: Facts, merge_data: Mapping[str, str]) -> Composed:
        ref = facts.ref
        unsubscribe = unsubscribe_of(ref)
        values = {
            **merge_data,
            "unsubscribe_url": unsubscribe,
            "postal_address": postal_address,
            "customer_name": facts.customer_name or "",
        }
        own = _Own(
            facts=facts,
            to=mailboxes_header("To", [(facts.to.name, facts.to.address)]),
            subject=subject_of(values),
            date=date_of(facts),
            separator=boundary(facts, "a"),
            unsubscribe=unsubscribe,
            reply_to=replies(ref) if replies else None,
        )
        pieces = fixed.copy()
        pieces[0] = head.compose(own)
        for place in separators:
            pieces[place] = own.separator
        for field, places in fields:
            text = value_of(field, values)
            coded = encode_piece(text)
            coded_html = encode_piece(escape(text)) if _SPECIAL.search(text) else coded
            for place, html in places:
                pieces[place] = coded_html if html else coded
        for place, fill in fills:
            pieces[place] = fill(ref, values)
        return Composed(
            subject=own.subject,
            content="".join(pieces).encode(),
            signed_headers=head.signed(own) if to_be_signed else None,
        )

    return compose


def _merge_parts(template: CompiledTemplate) -> MergeParts:
    if template.merge is None:
        raise ValueError(f"{template.name} is no campaign's template")
    return template.merge


# Its head --------------------------------------------------------------------------------------------------------


def _precompile_subject(subject: tuple[Piece, ...]) -> Callable[[Mapping[str, str]], str]:
    if fields_of(subject):
        return lambda values: fill_subject(subject, values)
    same = fill_subject(subject, {})
    return lambda _: same


@lru_cache(maxsize=64)
def _subject_header(subject: str) -> str:
    """Most campaigns have one subject for everybody."""
    return text_header("Subject", subject)


@value
class _Own:
    """What a recipient's head has of its own."""

    facts: Facts
    to: str
    subject: str
    date: str
    separator: str
    unsubscribe: str
    reply_to: str | None


@value
class _Head:
    """What all heads have in common: three runs of header lines, what stands around an own Reply-To, and as they are
    signed; and what `h=` lists. `complaints`: whether they come back to us."""

    sender: str
    identity: str
    campaign: str
    complaints: bool
    reply_to: tuple[str, str]
    signed_reply_to: tuple[str, str]
    signed_sender: bytes
    signed_identity: bytes
    signed_campaign: bytes
    names: tuple[str, ...]

    @classmethod
    def of(cls, template: CompiledTemplate, sender: SenderVersion, facts: Facts, *, replies: bool) -> _Head:
        own = mailboxes_header("From", [(sender.from_name, sender.from_address)])
        identity = ("" if replies else reply_to_header(sender, None)) + MIME_VERSION
        campaign, complaints = campaign_headers(facts, template), facts.complaint_address is not None
        own_counts = {"cc": 0, "reply-to": int(replies or bool(sender.reply_to))}
        own_counts |= dict.fromkeys(("cfbl-address", "cfbl-feedback-id"), int(complaints))
        return cls(
            sender=own,
            identity=identity,
            campaign=campaign,
            complaints=complaints,
            reply_to=around_tracked_replies(sender),
            signed_reply_to=_signed_around_replies(sender),
            signed_sender=relaxed(own),
            signed_identity=relaxed(identity),
            signed_campaign=relaxed(campaign),
            names=names_of(dict.fromkeys(SIGNED, 1) | own_counts),
        )

    def compose(self, own: _Own) -> str:
        """The head, with the empty line at its end."""
        reply_to = "" if own.reply_to is None else own.reply_to.join(self.reply_to)
        complaint = f"CFBL-Feedback-ID: {complaint_id(own.unsubscribe)}\r\n" if self.complaints else ""
        return (
            f"{self.sender}{own.to}{copies_header(own.facts)}{_subject_header(own.subject)}"
            f"Date: {own.date}\r\nMessage-ID: {own.facts.message_id}\r\n{reply_to}{self.identity}"
            f"List-Unsubscribe: <{own.unsubscribe}>\r\n{self.campaign}{complaint}"
            f'Content-Type: multipart/alternative; boundary="{own.separator}"\r\n\r\n'
        )

    def signed(self, own: _Own) -> SignedHeaders | None:
        """The same as it is signed: in the order of SIGNED. None with copies, which no campaign's mail has by now."""
        if own.facts.cc:
            return None
        reply_to = "" if own.reply_to is None else own.reply_to.join(self.signed_reply_to)
        dates = f"date:{own.date}\r\nmessage-id:{own.facts.message_id}\r\n{reply_to}"
        lines = (
            f'content-type:multipart/alternative; boundary="{own.separator}"\r\n'
            f"list-unsubscribe:<{own.unsubscribe}>\r\n"
        )
        to_subject = relaxed(own.to) + _signed_subject(own.subject)
        complaint = f"cfbl-feedback-id:{complaint_id(own.unsubscribe)}\r\n" if self.complaints else ""
        block = (self.signed_sender, to_subject, dates.encode(), self.signed_identity, lines.encode())
        return SignedHeaders(names=self.names, block=b"".join((*block, self.signed_campaign, complaint.encode())))


def _signed_around_replies(sender: SenderVersion) -> tuple[str, str]:
    address = "x@x"
    before, _, after = relaxed(address.join(around_tracked_replies(sender))).decode().rpartition(address)
    return before, after


@lru_cache(maxsize=64)
def _signed_subject(subject: str) -> bytes:
    return relaxed(_subject_header(subject))


# Its body --------------------------------------------------------------------------------------------------------

Fill = Callable[[MessageRef, Mapping[str, str]], str]
"""Makes what is put into one place of one message, encoded."""


class _Body:
    """A campaign's body in the making: fixed text in `pieces`, with an empty one for everything that differs.

    The first place is for the head, `separators` are those of the boundary. A field's `fields` are its places, each
    with whether it is in HTML; `fills` are all others with what fills them. Without `urls` nothing is tracked.
    """

    def __init__(self, urls: TrackedLinks | None, postal_address: str) -> None:
        self._urls = urls
        self._postal_address = postal_address
        self.pieces = ["", ""]
        self.separators: list[int] = []
        self.fields: dict[Field, list[tuple[int, bool]]] = {}
        self.fills: list[tuple[int, Fill]] = []

    def add_part(self, headers: str, pieces: Sequence[Piece], coded: Sequence[str], *, html: bool) -> None:
        """Add a text part; `coded` has its fixed text encoded."""
        self._separate(f"\r\n{headers}")
        for piece, text in zip(pieces, coded, strict=True):
            if isinstance(piece, str):
                self.pieces[-1] += text
            elif isinstance(piece, TrackingTag):
                self._add_tag(piece)
            elif isinstance(piece, Link):
                self._add_link(piece, html=html)
            elif piece.name == "postal_address":
                shown = value_of(piece, {"postal_address": self._postal_address})
                self.pieces[-1] += encode_piece(escape(shown) if html else shown)
            else:
                self.fields.setdefault(piece, []).append((self._gap(), html))

    def end(self) -> None:
        """Add the last boundary."""
        self._separate("--\r\n")

    def _separate(self, after: str) -> None:
        self.pieces[-1] += "--"
        self.separators.append(self._gap())
        self.pieces[-1] += after

    def _gap(self) -> int:
        self.pieces += ["", ""]
        return len(self.pieces) - 2

    def _add_tag(self, tag: TrackingTag) -> None:
        url = self._urls.of(tag) if self._urls else None
        if url is not None:
            self.pieces[-1] += encode_piece(tag.before)
            self.fills.append((self._gap(), lambda ref, _: encode_piece(url(ref))))
            self.pieces[-1] += encode_piece(tag.after)

    def _add_link(self, link: Link, *, html: bool) -> None:
        """A link that leads everybody to the same page has its address made ready; in untracked mail it is fixed."""
        urls = self._urls if link.number > 0 else None
        if fields_of([link]):
            self.fills.append((self._gap(), lambda ref, values: encode_piece(_address(link, ref, values, urls, html))))
            return
        destination = fill_destination(link, {})
        if urls is None:
            self.pieces[-1] += encode_piece(escape(destination) if html else destination)
            return
        click = urls.clicks(link.number, destination)
        self.fills.append((self._gap(), lambda ref, _: encode_piece(_shown(click(ref), html=html))))


def _address(link: Link, ref: MessageRef, values: Mapping[str, str], urls: TrackedLinks | None, html: bool) -> str:
    """A link's address that differs from one recipient to the next."""
    destination = fill_destination(link, values)
    return _shown(urls.clicks(link.number, destination)(ref) if urls else destination, html=html)


def _shown(text: str, *, html: bool) -> str:
    return escape(text) if html and _SPECIAL.search(text) else text
