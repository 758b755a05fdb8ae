"""What may look wrong with a mail, and what a launch is refused for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.templates.html_links import PageFaults

LARGEST_SHOWN = 100 * 1024
"""Octets of a page that every client shows whole. Gmail cuts it at 102 KB; the rest is for what each mail adds."""

LINK_GROWTH = 110
"""Octets by which tracking lengthens a link: our address, a token, a third of its destination."""

LONGEST_SHOWN = 100
"""Characters of a link in a warning."""


MAX_KEYS_NAMED = 20
"""Names in a warning: more are no typing error but other data."""


class MailWarningCode(StrEnum):
    """What may be wrong with a mail."""

    CLIPPED = "CLIPPED"
    IMAGE_WITHOUT_ALT = "IMAGE_WITHOUT_ALT"
    LINK_NOT_HTTPS = "LINK_NOT_HTTPS"
    UNSUBSCRIBE_MISSING = "UNSUBSCRIBE_MISSING"
    POSTAL_ADDRESS_MISSING = "POSTAL_ADDRESS_MISSING"
    MERGE_FIELD_MISSING = "MERGE_FIELD_MISSING"
    MERGE_KEY_UNKNOWN = "MERGE_KEY_UNKNOWN"


@dataclass(frozen=True, kw_only=True, slots=True)
class MailWarning:
    """Something to mend before sending. `blocking`: a launch is refused for it. `recipients`: for how many of the
    audience; None when it is all the same for all, or not known. `lines` of the author's source, from 1, where it was
    at hand."""

    code: MailWarningCode
    message: str
    blocking: bool = False
    recipients: int | None = None
    lines: tuple[int, ...] = ()


def sent_size(octets: int, links: int) -> int:
    """Octets of a page as it is mailed, with its links tracked: about."""
    return octets + LINK_GROWTH * links


def warnings_of_page(size: int, faults: PageFaults) -> tuple[MailWarning, ...]:
    """What may look wrong with a page that has so many octets as it is mailed."""
    found = []
    if size > LARGEST_SHOWN:
        found.append(_clipped(size))
    if faults.images_without_alt:
        found.append(_images(faults))
    if faults.links_not_https:
        found.append(_links(faults))
    return tuple(found)


def _clipped(size: int) -> MailWarning:
    message = (
        f"The HTML part has about {size // 1024} KB: Gmail shows the first 102 KB and hides the rest, an unsubscribe "
        'link among it, behind "View entire message". Shorten the page to less than 100 KB.'
    )
    return MailWarning(code=MailWarningCode.CLIPPED, message=message)


def _images(faults: PageFaults) -> MailWarning:
    images = _count(faults.images_without_alt, "image has", "images have")
    message = (
        f"{images} no alt text, which stands instead of an image that is "
        'not loaded and is read out to blind people: add alt="...", or alt="" to an image that only decorates.'
    )
    return MailWarning(code=MailWarningCode.IMAGE_WITHOUT_ALT, message=message, lines=faults.image_lines)


def _links(faults: PageFaults) -> MailWarning:
    links, first = _count(faults.links_not_https, "link is", "links are"), faults.first_link[:LONGEST_SHOWN]
    message = (
        f"{links} not https, {first} to begin with: mail programs and browsers warn "
        "of such pages. Use https:// addresses."
    )
    return MailWarning(code=MailWarningCode.LINK_NOT_HTTPS, message=message, lines=faults.link_lines)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def postal_address_missing(lacks: str) -> MailWarning:
    """No postal address; `lacks` says whose, and ends before "which"."""
    message = f"{lacks}, which campaign mail must show. Add one by updateSender."
    return MailWarning(code=MailWarningCode.POSTAL_ADDRESS_MISSING, message=message, blocking=True)


def fields_missing(names: Sequence[str], *, recipients: int | None) -> MailWarning:
    """Fields without default that have no value for so many; None: not known for how many."""
    listed = ", ".join(names[:MAX_KEYS_NAMED])
    message = (
        f"These fields have no default, and whoever has no value for one of them is left out: {listed}. Give values "
        'or a default: {{ field|default("...") }}.'
    )
    return MailWarning(code=MailWarningCode.MERGE_FIELD_MISSING, message=message, recipients=recipients)


def keys_unknown(names: Sequence[str]) -> MailWarning:
    """Values that no field of the template uses."""
    more = len(names) - MAX_KEYS_NAMED
    listed = ", ".join(names[:MAX_KEYS_NAMED]) + (f" and {more} more" if more > 0 else "")
    message = f"The template has no field for these values, so they are not used: {listed}. Check their spelling."
    return MailWarning(code=MailWarningCode.MERGE_KEY_UNKNOWN, message=message)
