"""Global ids: readable text of type, customer and row. `Customer_42`, `Message_42_<32 hex digits>`, `Campaign_<hex>`,
`CustomerList_7`.

In SQL each is one concatenation, so that shaped pages can print it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import strawberry

from gateway.mail.message import MessageRef
from service.errors import BadInput

LARGEST_BIGINT = 2**63 - 1
LARGEST_INTEGER = 2**31 - 1


@strawberry.interface(description="Anything with an id of its own.")
class Node:
    """The Relay `Node` interface."""

    @strawberry.field(description="The id, unique over all types; pass it to `node(id:)`.")
    def id(self) -> strawberry.ID:
        """Each type has its own."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True, slots=True)
class GlobalId:
    """The parts of a global id: the type's name; the customer's id and the row's id, where the type has them, or the
    row's number."""

    type: str
    customer_id: int | None = None
    row_id: UUID | None = None
    number: int | None = None
    occurrence: str = ""


_OF_MESSAGES = ("Message", "EmailInfo", "ConnectionNote", "SentEmail")
_OF_HISTORIES = (*_OF_MESSAGES, "LinkClick", "DeliveryReport")
_BY_CUSTOMER = ("Customer", "CustomerEmails", *_OF_HISTORIES)
_OF_ROWS = (
    "Campaign",
    "Template",
    "TemplateVersion",
    "Sender",
    "Attachment",
    "Suppression",
    "BadAddress",
    "UnmatchedMail",
    "CustomerImport",
)
_BY_ROW = (*_OF_HISTORIES, *_OF_ROWS)
_BY_NUMBER = ("CustomerList", "Mailing")
"""Their rows' numbers are of PostgreSQL's type integer."""


def read_id(text: str) -> GlobalId | None:
    """The parts of a global id; None when the text is not one."""
    kind, *rest = text.split("_")
    if kind == "CampaignRecipient":
        return _read_recipient_id(rest)
    if kind in _BY_NUMBER:
        number = read_number(rest[0]) if len(rest) == 1 else None
        return None if number is None or number > LARGEST_INTEGER else GlobalId(type=kind, number=number)
    wanted = (kind in _BY_CUSTOMER) + (kind in _BY_ROW)
    if wanted == 0 or len(rest) != wanted:
        return None
    customer_id = read_number(rest.pop(0)) if kind in _BY_CUSTOMER else None
    row_id = read_uuid(rest.pop(0)) if kind in _BY_ROW else None
    if (kind in _BY_CUSTOMER and customer_id is None) or (kind in _BY_ROW and row_id is None):
        return None
    return GlobalId(type=kind, customer_id=customer_id, row_id=row_id)


def _read_recipient_id(parts: Sequence[str]) -> GlobalId | None:
    """Of `CampaignRecipient_<mailing>_<customer>`, and of an event's behind it the occurrence, in hexadecimal UTF-8."""
    if not 2 <= len(parts) <= 3:
        return None
    mailing, customer = read_number(parts[0]), read_number(parts[1])
    if mailing is None or mailing > LARGEST_INTEGER or customer is None:
        return None
    try:
        occurrence = bytes.fromhex(parts[2]).decode() if len(parts) == 3 else ""
    except ValueError:
        return None
    if "\0" in occurrence:
        return None
    return GlobalId(type="CampaignRecipient", number=mailing, customer_id=customer, occurrence=occurrence)


def recipient_global_id(mailing_id: int, customer_id: int, occurrence: str) -> strawberry.ID:
    """`CampaignRecipient_12_42` and its like."""
    behind = f"_{occurrence.encode().hex()}" if occurrence else ""
    return strawberry.ID(f"CampaignRecipient_{mailing_id}_{customer_id}{behind}")


def read_typed_id(text: str, kind: str) -> GlobalId | None:
    """The same, when the id is of this type; else None."""
    found = read_id(text)
    return found if found is not None and found.type == kind else None


def asked_id(text: str, kind: str, argument: str, place: str = "") -> GlobalId:
    """The same of an argument, or of a `place` in it such as `listIds.2`, where nothing but such an id makes sense.
    Raises BadInput: what is no id of this type names nothing, which is not the same as something that is not there."""
    found = read_typed_id(text, kind)
    if found is None:
        raise BadInput(argument, f"{place} is not the id of a {kind}; pass an `id` as an answer gave it".lstrip())
    return found


def asked_numbers(given: Sequence[str] | None, kind: str, argument: str, place: str, *, most: int) -> list[int] | None:
    """The numbers, each once, of a list of such ids at this `place` of an argument; None for none given. Raises
    BadInput, also for more than `most`."""
    if given is None:
        return None
    if len(given) > most:
        raise BadInput(argument, f"{place} holds at most {most}")
    ids = [asked_id(text, kind, argument, f"{place}.{number}") for number, text in enumerate(given)]
    return [number for number in dict.fromkeys(one.number for one in ids) if number is not None]


def read_message_id(text: str) -> MessageRef | None:
    """The message that a `Message` id names; None when it is not one."""
    found = read_typed_id(text, "Message")
    if found is None or found.customer_id is None or found.row_id is None:
        return None
    return MessageRef(customer_id=found.customer_id, message_id=found.row_id)


def read_number(text: str) -> int | None:
    """A number in an id, or a cursor of a number-keyed list; None when it is not one."""
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or text[0] == "0":
        return None
    return int(text) if int(text) <= LARGEST_BIGINT else None


def read_uuid(text: str) -> UUID | None:
    """A row in an id, or a cursor of a uuid-keyed list; None when it is not one."""
    if len(text) != 32 or not all(digit in "0123456789abcdef" for digit in text):
        return None
    return UUID(hex=text)


def customer_global_id(customer_id: int) -> strawberry.ID:
    """`Customer_42`."""
    return strawberry.ID(f"Customer_{customer_id}")


def message_global_id(customer_id: int, message_id: UUID) -> strawberry.ID:
    """`Message_42_0193...`."""
    return history_global_id("Message", customer_id, message_id)


def history_global_id(kind: str, customer_id: int, row_id: UUID) -> strawberry.ID:
    """`ConnectionNote_42_0193...` and its like: a row of one customer's history."""
    return strawberry.ID(f"{kind}_{customer_id}_{row_id.hex}")


def history_id_sql(kind: str, alias: str = "m") -> str:
    """The same in SQL, of the row of this alias."""
    return f"'{kind}_' || {alias}.customer_id || '_' || encode(uuid_send({alias}.id), 'hex')"


def row_global_id(kind: str, row_id: UUID) -> strawberry.ID:
    """`Campaign_0193...` and its like."""
    return strawberry.ID(f"{kind}_{row_id.hex}")


def row_id_sql(kind: str, alias: str) -> str:
    """The same in SQL, of the row of this alias."""
    return f"'{kind}_' || encode(uuid_send({alias}.id), 'hex')"


def number_global_id(kind: str, number: int) -> strawberry.ID:
    """`Mailing_12` and its like."""
    return strawberry.ID(f"{kind}_{number}")


def number_id_sql(kind: str, alias: str) -> str:
    """The same in SQL, of the row of this alias."""
    return f"'{kind}_' || {alias}.id"
