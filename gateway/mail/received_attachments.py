"""The files that came with a received mail: their names, what they claim to be, what they are. Pure, bounded."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from hashlib import sha256

from gateway.mail.body_parts import parts_beside
from gateway.mail.media_signature import LOOKED_AT, media_type_by_content
from gateway.mail.names import tidy_name
from gateway.mail.received import MAIL_TYPES, Part

MAX_ATTACHMENTS = 100
"""Files that are listed: the pictures of a building site are some dozen. The rest is counted."""
LONGEST_NAME = 255
"""Characters of a name: what file systems take."""
_LONGEST_ENDING = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedAttachment:
    """One file. `number` is its part's among all that `Part.walk(into_mails=False)` yields: there its octets are.

    `name` is safe to save under; `declared_type` is what the sender says, `found_type` what the first octets show,
    None when they show nothing. `size` is in octets, of a mail within the mail (`subject` is then there) without its
    headers; `sha256`, in hex, is of all octets. `inline` is for pictures that the text shows; `tnef` for Outlook's
    winmail.dat, which holds files of its own.
    """

    number: int
    name: str
    declared_type: str
    found_type: str | None
    size: int
    sha256: str
    inline: bool
    subject: str | None = None

    @property
    def tnef(self) -> bool:
        """Whether it is Outlook's winmail.dat."""
        return _TNEF in (self.declared_type, self.found_type) or self.declared_type == "application/vnd.ms-tnef"


_TNEF = "application/ms-tnef"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedAttachments:
    """The first files of a mail, and how many more there are."""

    listed: tuple[ReceivedAttachment, ...]
    more: int


def read_attachments(root: Part, raw: bytes) -> ReceivedAttachments:
    """List what came with a mail's text. `raw` are the bytes that it was read from."""
    found = list(parts_beside(root))
    return ReceivedAttachments(
        listed=tuple(_attachment(number, part, related, raw) for number, part, related in found[:MAX_ATTACHMENTS]),
        more=max(0, len(found) - MAX_ATTACHMENTS),
    )


def _attachment(number: int, part: Part, related: bool, raw: bytes) -> ReceivedAttachment:
    is_mail = part.media_type in MAIL_TYPES
    picture = part.media_type.startswith("image/") and not part.attached
    subject = _subject(part) if is_mail else None
    return ReceivedAttachment(
        number=number,
        name=safe_name(part.file_name or subject or "", ".eml" if is_mail else ""),
        declared_type=part.media_type,
        found_type=None if is_mail else media_type_by_content(part.content(LOOKED_AT)),
        size=_octets(part),
        sha256=sha256(part.whole(raw)).hexdigest(),
        inline=picture and (related or part.header("content-id") is not None),
        subject=subject,
    )


def _subject(part: Part) -> str:
    subject = part.parts[0].header("subject") if part.parts else None
    return tidy_name(subject or "")


def _octets(part: Part) -> int:
    """Octets of a part without its transfer encoding; of a mail those of all parts in it."""
    return sum(len(inner.content(len(inner.body))) for inner in part.walk(into_mails=True) if inner.body)


_NOT_IN_NAMES = re.compile(r'[<>:"|?*]')


def safe_name(name: str, ending: str = "") -> str:
    """Returns a file's name without path, controls, signs that hide or reorder letters, and what some file systems
    refuse; `attachment` where nothing is left. `ending` is added unless it is there. At most 255 characters."""
    shown = "".join(sign for sign in name if unicodedata.category(sign) not in _HIDDEN)
    # Of a subject all is the name; a path's folders are nobody's concern.
    last = shown.replace("/", "-") if ending else re.split(r"[/\\]", shown)[-1]
    clean = _NOT_IN_NAMES.sub("_", tidy_name(last).replace("\\", "-")).strip(". ")
    clean = clean or "attachment"
    if not clean.lower().endswith(ending):
        clean += ending
    return _shortened(clean)


_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _shortened(name: str) -> str:
    if len(name) <= LONGEST_NAME:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > _LONGEST_ENDING:
        return name[:LONGEST_NAME]
    return f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}"
