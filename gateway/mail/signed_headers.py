"""The headers that a DKIM signature covers, in the form that is signed (RFC 6376 3.4.2: relaxed)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from gateway.value import value

SIGNED = (
    *("from", "to", "cc", "subject", "date", "message-id", "reply-to", "mime-version", "content-type"),
    *("list-unsubscribe", "list-unsubscribe-post", "feedback-id", "cfbl-address", "cfbl-feedback-id"),
)
"""The headers a signature covers, where the mail has them (RFC 6376 5.4.1; RFC 8058 4 wants the two of the list, RFC
9477 3.1 and 3.2 those for complaints)."""

SEALED = ("from", "to", "subject", "date", "reply-to")
"""Named once more than the mail has them: adding a second one breaks the signature (RFC 6376 8.15)."""


@value
class SignedHeaders:
    """`names` as `h=` lists them, and `block`: those headers relaxed, in the same order."""

    names: tuple[str, ...]
    block: bytes


def signed_headers(head: bytes) -> SignedHeaders:
    """The signed headers of a mail's head, of several alike the last one first."""
    found: dict[str, list[bytes]] = {}
    for name, line in _relaxed_lines(head):
        found.setdefault(name, []).append(line)
    block = b"".join(line for wanted in SIGNED for line in reversed(found.get(wanted, [])))
    return SignedHeaders(names=names_of({name: len(lines) for name, lines in found.items()}), block=block)


def names_of(counts: Mapping[str, int]) -> tuple[str, ...]:
    """What `h=` lists for a head that has so many of each header."""
    return tuple(name for name in SIGNED for _ in range(counts.get(name, 0) + (name in SEALED)))


def relaxed(headers: str) -> bytes:
    """The signed ones among some header lines, relaxed, in their own order."""
    return b"".join([line for _, line in _relaxed_lines(headers.encode())])


def _relaxed_lines(head: bytes) -> Iterator[tuple[str, bytes]]:
    for line in head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n"):
        name, _, said = line.partition(b":")
        key = _key(name)
        if key is not None:
            yield key, b"%b:%b\r\n" % (key.encode(), b" ".join(said.split()))


@lru_cache(maxsize=256)
def _key(name: bytes) -> str | None:
    """The header's name in small letters where it is one that is signed."""
    key = name.strip().lower().decode("ascii", "replace")
    return key if key in SIGNED else None
