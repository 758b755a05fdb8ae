"""What may look wrong with a mail and refuses nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

LARGEST_SHOWN = 100 * 1024
"""Octets of a page that every client shows whole. Gmail cuts it at 102 KB; the rest is for what each mail adds."""

LINK_GROWTH = 110
"""Octets by which tracking lengthens a link: our address, a token, a third of its destination."""


class MailWarningCode(StrEnum):
    """What may be wrong with a mail."""

    CLIPPED = "CLIPPED"
    MERGE_KEY_UNKNOWN = "MERGE_KEY_UNKNOWN"


@dataclass(frozen=True, kw_only=True, slots=True)
class MailWarning:
    """Something to mend before sending. `blocking`: a launch is refused for it."""

    code: MailWarningCode
    message: str
    blocking: bool


def sent_size(octets: int, links: int) -> int:
    """Octets of a page as it is mailed, with its links tracked: about."""
    return octets + LINK_GROWTH * links


def warnings_of_page(octets: int, links: int) -> tuple[MailWarning, ...]:
    """What may look wrong with a page of so many octets, of which so many links are tracked."""
    size = sent_size(octets, links)
    if size <= LARGEST_SHOWN:
        return ()
    message = (
        f"The HTML part has about {size // 1024} KB: Gmail shows the first 102 KB and hides the rest, an unsubscribe "
        'link among it, behind "View entire message". Shorten the page to less than 100 KB.'
    )
    return (MailWarning(code=MailWarningCode.CLIPPED, message=message, blocking=False),)


MAX_KEYS_NAMED = 20
"""Values that a warning names: more would hide the rest of the answer."""


def keys_unknown(names: Iterable[str]) -> MailWarning:
    """Values that no field of the template uses."""
    unknown = sorted(names)
    listed = ", ".join(unknown[:MAX_KEYS_NAMED]) + (" and more" if len(unknown) > MAX_KEYS_NAMED else "")
    message = f"The template has no field for these values, so they are not used: {listed}. Check their spelling."
    return MailWarning(code=MailWarningCode.MERGE_KEY_UNKNOWN, message=message, blocking=False)
