"""What a person can do about a message, by the state of its recipients and by what forbids mail to an address."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from gateway.errors import RefusalCode
from gateway.mail.message import EventKind, MessageRef, Status
from gateway.mail.source import SourceType
from gateway.mail.verdict import Cause
from gateway.outbox.possible_actions import MessageAction, Place, Recipient, Standing, _Places, actions_of, why_not

OLD, NEW = b"old", b"new"
SUPPRESSED, ERASED = RefusalCode.SUPPRESSED, RefusalCode.ERASED


def place(key: bytes = OLD, bar: RefusalCode | None = None) -> Place:
    return Place(address=f"{key.decode()}@b.example", key=key, bar=bar)


def recipient(decided: str = "REFUSED", *, bar: RefusalCode | None = None, **values: Any) -> Recipient:
    usual: dict[str, Any] = {"number": 0, "cause": None, "queued": False, "handed_off": False, "attempts": 1}
    return Recipient(place=place(bar=bar), decided=Status(decided), **(usual | values))


def waiting(**values: Any) -> Recipient:
    return recipient("QUEUED", queued=True, **values)


def standing(*recipients: Recipient, present: tuple[Place, ...] = (place(),), **values: Any) -> Standing:
    """A message to these recipients, of a customer that still has the address it was for."""
    usual: dict[str, Any] = {
        "ref": MessageRef(customer_id=1, message_id=UUID(int=1)),
        "source_type": SourceType.WORK_ORDER,
        "mailing_id": None,
        "campaign_kind": None,
        "campaign_cancelled": False,
        "bound_relay": None,
        "relay_missing": False,
        "recipient_name": None,
        "sha256": None,
        "is_stored": True,
        "report_waits": False,
        "dismissed": False,
        "undoable": None,
    }
    return Standing(recipients=recipients, present=present, **(usual | values))


def actions(*recipients: Recipient, **values: Any) -> list[str]:
    return [str(action) for action in actions_of(standing(*recipients, **values))]


def test_a_report_is_believed_while_one_waits_and_nothing_is_under_way() -> None:
    accepted = recipient("ACCEPTED")
    assert actions(accepted, report_waits=True) == ["BELIEVE_REPORT"]
    assert actions(accepted) == []
    assert actions(accepted, waiting(number=1, handed_off=True), report_waits=True) == []
    assert actions(recipient("ACCEPTED", bar=ERASED), report_waits=True) == []
    assert "BELIEVE_REPORT" in actions(recipient("BOUNCED"), report_waits=True)


@pytest.mark.parametrize(
    ("recipients", "possible"),
    [
        ([recipient("REFUSED")], ["RETRY", "DISMISS"]),
        ([recipient("EXPIRED")], ["RETRY", "DISMISS"]),
        ([recipient("BOUNCED")], ["RETRY", "DISMISS"]),
        ([recipient("UNCERTAIN")], ["RETRY", "ASSUME_SENT"]),
        ([recipient("HELD")], ["RETRY", "CANCEL", "DISMISS"]),
        ([recipient("ACCEPTED")], []),
        ([recipient("CANCELLED")], []),
        ([waiting()], ["CANCEL"]),
        ([waiting(handed_off=True)], []),
        # An uncertain mail that is queued again is no longer uncertain
        ([recipient("UNCERTAIN", queued=True)], ["CANCEL"]),
        # Copies have states of their own
        ([recipient("ACCEPTED"), recipient("UNCERTAIN", number=1)], ["RETRY", "ASSUME_SENT"]),
        ([recipient("ACCEPTED"), recipient("HELD", number=1)], ["RETRY", "CANCEL"]),
        ([waiting(), waiting(number=1, handed_off=True)], []),
        ([recipient("ACCEPTED"), waiting(number=1)], ["CANCEL"]),
        # What a suppression keeps; a copy that it does not keep may go
        ([recipient("HELD", bar=SUPPRESSED)], ["CANCEL", "LIFT_SUPPRESSION", "DISMISS"]),
        ([recipient("ACCEPTED", bar=SUPPRESSED)], []),
        ([recipient("HELD", bar=ERASED)], ["CANCEL", "DISMISS"]),
        ([recipient("REFUSED", bar=SUPPRESSED), recipient(number=1)], ["RETRY", "LIFT_SUPPRESSION", "DISMISS"]),
    ],
)
def test_what_can_be_done_follows_from_the_states_of_the_recipients(
    recipients: list[Recipient], possible: list[str]
) -> None:
    assert actions(*recipients) == possible


def test_what_failed_is_dismissed_once_and_what_an_opt_out_holds_never() -> None:
    assert "DISMISS" in actions(recipient("HELD", cause=Cause.SUPPRESSED))
    assert "DISMISS" not in actions(recipient("HELD", cause=Cause.OPTED_OUT))
    assert "DISMISS" not in actions(recipient("REFUSED"), dismissed=True)
    assert "DISMISS" not in actions(recipient("REFUSED", queued=True))


def test_a_decision_is_taken_back_while_it_is_the_last_that_happened() -> None:
    assert actions(recipient("ACCEPTED"), undoable=EventKind.ASSUMED_SENT) == ["UNDO"]
    assert "UNDO" in actions(recipient("REFUSED"), dismissed=True, undoable=EventKind.DISMISSED)
    found = why_not(MessageAction.UNDO, standing(recipient("ACCEPTED")))
    assert found is not None
    assert (found.code, found.field) == (RefusalCode.ILLEGAL_STATE, ("messageId",))


def test_whom_it_may_be_sent_to_again() -> None:
    barred, free = recipient(bar=SUPPRESSED), recipient(number=1)
    assert standing(barred, free, recipient("ACCEPTED", number=2)).retryable == [free]


@pytest.mark.parametrize("cause", Cause)
def test_another_address_mends_what_was_wrong_with_this_one(cause: Cause) -> None:
    mends = {
        "BAD_ADDRESS", "BAD_DOMAIN", "INACTIVE", "MAILBOX_FULL", "SUPPRESSED", "UNSUPPORTED", "POLICY", "DEADLINE",
        "UNKNOWN",
    }  # fmt: skip
    for decided, possible in (("REFUSED", cause in mends), ("UNCERTAIN", False), ("ACCEPTED", False)):
        assert ("CORRECT_ADDRESS" in actions(recipient(decided, cause=cause))) is possible
    # But not where the customer has other addresses by now
    wrong = recipient(cause=cause)
    assert "CORRECT_ADDRESS" not in actions(wrong, present=(place(NEW),))
    assert ("CORRECT_ADDRESS" in actions(wrong, present=(place(NEW), place(OLD)))) is (cause in mends)


RETRY, READDRESS = MessageAction.RETRY, MessageAction.RETRY_TO_PRESENT_ADDRESS
ILLEGAL = RefusalCode.ILLEGAL_STATE


@pytest.mark.parametrize(
    ("action", "recipients", "values", "code"),
    [
        (RETRY, [recipient()], {}, None),
        (RETRY, [recipient("ACCEPTED")], {"campaign_cancelled": True}, ILLEGAL),
        (RETRY, [recipient()], {"campaign_cancelled": True}, ILLEGAL),
        (RETRY, [recipient()], {"relay_missing": True}, ILLEGAL),
        # Where all are barred, the first says why
        (RETRY, [recipient(bar=ERASED), recipient(bar=SUPPRESSED, number=1)], {}, ERASED),
        (RETRY, [recipient(bar=ERASED), recipient(number=1)], {}, None),
        (READDRESS, [recipient()], {"present": (place(NEW),)}, None),
        (READDRESS, [recipient()], {"present": (place(NEW), place(OLD))}, None),
        (READDRESS, [recipient()], {"present": (place(OLD), place(NEW))}, ILLEGAL),
        (READDRESS, [recipient("ACCEPTED")], {"present": (place(NEW),)}, ILLEGAL),
        (READDRESS, [recipient()], {"present": (place(NEW),), "campaign_cancelled": True}, ILLEGAL),
        (READDRESS, [recipient()], {"present": (place(NEW),), "relay_missing": True}, ILLEGAL),
        (READDRESS, [recipient()], {"present": ()}, RefusalCode.ADDRESS_INVALID),
        (READDRESS, [recipient(bar=ERASED)], {"present": (place(NEW),)}, ERASED),
        (READDRESS, [recipient(bar=SUPPRESSED)], {"present": (place(NEW),)}, None),
        (READDRESS, [recipient()], {"present": (place(NEW, SUPPRESSED), place(b"x"))}, SUPPRESSED),
    ],
)
def test_it_is_sent_again_unless_something_forbids_it(
    action: MessageAction, recipients: list[Recipient], values: dict[str, Any], code: RefusalCode | None
) -> None:
    found = why_not(action, standing(*recipients, **values))
    assert (found and found.code) == code
    if found:
        assert found.field == ("messageId",)


@pytest.mark.parametrize(
    ("row", "address", "known", "bar"),
    [
        ({}, "a@b.com", {}, None),
        ({"erased": True}, "a@b.com", {}, ERASED),
        ({}, None, {}, RefusalCode.ADDRESS_INVALID),
        ({}, "", {}, RefusalCode.ADDRESS_INVALID),
        ({}, "a@b.Test", {}, RefusalCode.ADDRESS_RESERVED),
        # A suppression of campaigns leaves other mail alone
        ({}, "a@b.com", {"scope": "ALL_MAIL"}, SUPPRESSED),
        ({}, "a@b.com", {"scope": "CAMPAIGNS"}, None),
        ({"campaign_kind": "MARKETING"}, "a@b.com", {"scope": "CAMPAIGNS"}, SUPPRESSED),
        ({"campaign_kind": "MARKETING"}, "a@b.com", {"scope": "ALL_MAIL"}, SUPPRESSED),
        # So does an opt-out, the customer's or the address's own, of this kind
        ({"campaign_kind": "MARKETING", "opted_out": True}, "a@b.com", {}, RefusalCode.OPTED_OUT),
        ({"campaign_kind": "MARKETING"}, "a@b.com", {"opted_out": ["MARKETING"]}, RefusalCode.OPTED_OUT),
        ({"campaign_kind": "MARKETING"}, "a@b.com", {"opted_out": ["EVENT_BASED"]}, None),
        ({"opted_out": True}, "a@b.com", {"opted_out": ["MARKETING", None]}, None),
        ({"campaign_kind": "MARKETING"}, "a@b.com", {}, None),
    ],
)
def test_what_forbids_mail_to_an_address(
    row: dict[str, Any], address: str | None, known: dict[str, Any], bar: RefusalCode | None
) -> None:
    deployment: Any = SimpleNamespace(settings=SimpleNamespace(allow_reserved_domains=False))
    places = _Places(
        {"erased": False, "campaign_kind": None, "opted_out": False} | row,
        {address: OLD} if address else {},
        {OLD: {"scope": None, "opted_out": []} | known},
        deployment,
    )
    found = places.of(address)
    reached = address and not row.get("erased")
    assert (found.bar, found.address, found.key) == (bar, address if reached else "", OLD if reached else b"")


def test_reserved_names_are_allowed_where_tests_are() -> None:
    deployment: Any = SimpleNamespace(settings=SimpleNamespace(allow_reserved_domains=True))
    row = {"erased": False, "campaign_kind": None, "opted_out": False}
    places = _Places(row, {"a@b.test": OLD}, {OLD: {"scope": None, "opted_out": []}}, deployment)
    assert places.of("a@b.test").bar is None
