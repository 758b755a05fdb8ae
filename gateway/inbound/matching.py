"""Which message and recipient a report or complaint is about.

Ways, in this order:

1. a token of ours: the return path, as the envelope's recipient, an address that the mail came to, or the returned
   mail's sender; of a complaint also what only the complained-of mail carries (CFBL-Feedback-ID, List-Unsubscribe);
2. the Message-ID of a mail of ours, which anybody who has seen the mail can write: it finds, and proves nothing;
3. otherwise nothing: a recipient and a time fit many messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.inbound.reading import Reading, StoredMail
from gateway.mail.arf import Complaint
from gateway.mail.inbound import MatchedBy
from gateway.mail.keys import Keyring
from gateway.mail.message import MessageRef
from gateway.mail.returned import Returned
from gateway.mail.tracking import read_return_path, read_unsubscribe

MAX_MESSAGE_IDS = 20
"""Message-IDs that are looked up for one mail: a long exchange quotes some ten, the nearest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """What a mail says it is about. `recipient_no` is None where it does not tell the recipient; `attempt` where its
    token is of a version that did not carry it, or there is none."""

    ref: MessageRef
    recipient_no: int | None
    attempt: int | None
    matched_by: MatchedBy

    @property
    def proven(self) -> bool:
        """Whether a token of ours vouches for it, or a person."""
        return self.matched_by in (MatchedBy.TOKEN, MatchedBy.PERSON)


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenSearch:
    """What stands where tokens stand: the first valid one, and whether there was one that is not ours."""

    trace: Trace | None
    invalid: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnMessageId:
    """What a Message-ID of our form says: of which message it is, if it is one of `domain`."""

    ref: MessageRef
    domain: str


def find_report_token(stored: StoredMail, reading: Reading, keyring: Keyring) -> TokenSearch:
    """The token of a delivery report."""
    report = reading.inbound.report
    return _first_return_path(_return_paths(stored, reading, report.returned if report else None), keyring)


def find_complaint_token(stored: StoredMail, reading: Reading, keyring: Keyring) -> TokenSearch:
    """The token of a complaint: a return path, or one that the complained-of mail carries."""
    complaint = reading.inbound.complaint
    returned = complaint.returned if complaint else None
    found = _first_return_path(
        [*_return_paths(stored, reading, returned), (complaint.mail_from if complaint else None) or ""], keyring
    )
    if found.trace is not None or complaint is None:
        return found
    tokens = list(_unsubscribe_tokens(complaint))
    ref = next((ref for token in tokens if (ref := read_unsubscribe(keyring, token)) is not None), None)
    trace = Trace(ref=ref, recipient_no=0, attempt=None, matched_by=MatchedBy.TOKEN) if ref is not None else None
    return TokenSearch(trace=trace, invalid=found.invalid or bool(tokens))


def _return_paths(stored: StoredMail, reading: Reading, returned: Returned | None) -> list[str]:
    """The addresses that may be a return path of ours, the surest first."""
    sender = returned.header("return-path") if returned is not None else None
    return [stored.envelope_recipient or "", *reading.recipients, (sender or "").strip("<> \t")]


_LIKE_A_RETURN_PATH = re.compile(r"(?:.{0,40}[=/])?[bv][1-4][a-z0-9]{40,62}", re.IGNORECASE)
"""Ours have some 60 characters, behind what a relay puts before them: no name that people choose looks so."""


def _first_return_path(addresses: Sequence[str], keyring: Keyring) -> TokenSearch:
    invalid = False
    for address in addresses:
        found = read_return_path(keyring, address.strip("<> \t"))
        if found is not None:
            trace = Trace(
                ref=found.ref, recipient_no=found.recipient_no, attempt=found.attempt, matched_by=MatchedBy.TOKEN
            )
            return TokenSearch(trace=trace, invalid=invalid)
        invalid = invalid or _LIKE_A_RETURN_PATH.fullmatch(address.strip("<> \t").partition("@")[0]) is not None
    return TokenSearch(trace=None, invalid=invalid)


_UNSUBSCRIBE = re.compile(r"/u/([A-Za-z0-9._-]{20,70})")


def _unsubscribe_tokens(complaint: Complaint) -> Iterator[str]:
    """Tokens of the complained-of mail, by which its reader is known even where the provider hides the address."""
    if complaint.cfbl_feedback_id:
        yield complaint.cfbl_feedback_id.strip()
    if complaint.returned is not None:
        yield from _UNSUBSCRIBE.findall((complaint.returned.header("list-unsubscribe") or "")[:2000])


_OWN_MESSAGE_ID = re.compile(r"([0-9a-f]{32})\.([0-9]{1,18})@([a-z0-9.-]{1,255})", re.IGNORECASE)


def own_message_ids(reading: Reading) -> list[OwnMessageId]:
    """The Message-IDs of our form that a mail names: the returned mail's first, then what it answers, the nearest
    first."""
    inbound, said = reading.inbound, reading.correspondence
    about = inbound.report or inbound.complaint
    returned = about.returned if about is not None else None
    named = [returned.message_id or "" if returned is not None else "", *said.in_reply_to, *reversed(said.references)]
    found = [own for name in dict.fromkeys(named) if (own := own_message_id(name)) is not None]
    return found[:MAX_MESSAGE_IDS]


def own_message_id(name: str) -> OwnMessageId | None:
    """What a Message-ID, without its angle brackets, says when it has our form."""
    match = _OWN_MESSAGE_ID.fullmatch(name)
    if match is None:
        return None
    ref = MessageRef(customer_id=int(match[2]), message_id=UUID(match[1]))
    return OwnMessageId(ref=ref, domain=match[3].lower().rstrip("."))


async def message_of_ids(connection: Connection, ids: Sequence[OwnMessageId]) -> MessageRef | None:
    """The first of these Message-IDs' messages that we sent, under that domain; None when there is none."""
    if not ids:
        return None
    row = await QUERIES.message_of_ids(
        connection,
        customer_ids=[one.ref.customer_id for one in ids],
        message_ids=[one.ref.message_id for one in ids],
        domains=[one.domain for one in ids],
    )
    return MessageRef(customer_id=row["customer_id"], message_id=row["message_id"]) if row is not None else None


async def trace_report(
    connection: Connection, stored: StoredMail, reading: Reading, deployment: Deployment
) -> TokenSearch:
    """What a delivery report is about: by its token, else by a Message-ID of ours."""
    found = find_report_token(stored, reading, deployment.keyring)
    if found.trace is not None:
        return found
    ref = await message_of_ids(connection, own_message_ids(reading))
    trace = (
        Trace(ref=ref, recipient_no=None, attempt=None, matched_by=MatchedBy.MESSAGE_ID) if ref is not None else None
    )
    return TokenSearch(trace=trace, invalid=found.invalid)
