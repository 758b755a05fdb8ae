"""The octets of an SMTP client, cut into command lines and mails. Pure: octets in, lines and mails out.

A line ends with CR LF and nothing else (RFC 5321 2.3.8). A server that takes other ends for one can be made to see two
mails where the server before it saw one (SMTP smuggling), so that a CR or LF alone is an error here, wherever it
stands.
"""

from __future__ import annotations

from gateway.errors import GatewayError

LONGEST_LINE = 2048
"""Octets of a command line: RFC 5321 4.5.3.1.4 asks for 512, and extensions add to that."""

_END = b"\r\n.\r\n"
_HELD = len(_END) - 1
"""Octets at a piece's end that may be the beginning of the end."""


class BareLineEnding(GatewayError):
    """A CR without LF, or an LF without CR."""


class LineTooLong(GatewayError):
    """A command line of more than LONGEST_LINE octets."""


class CommandLines:
    """What has come and is not read yet. `feed` adds to it, `next_line` takes the next line."""

    def __init__(self) -> None:
        self._octets = b""
        self._at = 0

    @property
    def pending(self) -> bool:
        """Whether octets wait behind what was taken last."""
        return self._at < len(self._octets)

    def feed(self, octets: bytes) -> None:
        """Add what has come."""
        self._octets = self._octets[self._at :] + octets
        self._at = 0

    def next_line(self) -> bytes | None:
        """Returns the next line without its end; None while it is not complete. Raises BareLineEnding, LineTooLong."""
        end = self._octets.find(b"\n", self._at, self._at + LONGEST_LINE)
        stop = end if end >= 0 else min(len(self._octets), self._at + LONGEST_LINE)
        carriage_return = self._octets.find(b"\r", self._at, stop)
        if end < 0:
            if 0 <= carriage_return < stop - 1:
                raise BareLineEnding
            if stop - self._at >= LONGEST_LINE:
                raise LineTooLong
            return None
        if carriage_return != end - 1 or end == self._at:
            raise BareLineEnding
        line = self._octets[self._at : carriage_return]
        self._at = end + 1
        return line

    def take_rest(self) -> bytes:
        """Returns everything that waits."""
        rest = self._octets[self._at :]
        self._octets, self._at = b"", 0
        return rest


class Content:
    """One mail, from the answer to DATA to the dot. What is above `max_octets` is counted and not kept."""

    def __init__(self, max_octets: int) -> None:
        self._max_octets = max_octets
        # The end of the line DATA stands before the first line: a dot alone there ends an empty mail.
        self._kept = bytearray()
        self._held = b"\r\n"
        self.size = -len(self._held)
        """Octets so far, as they came; below zero before the first."""

    @property
    def too_large(self) -> bool:
        """Whether the mail has more octets than it may have."""
        return self.size > self._max_octets

    def feed(self, octets: bytes) -> bytes | None:
        """Add what has come. Returns what stands behind the mail's end; None while that has not come. Raises
        BareLineEnding."""
        piece = self._held + octets
        end = piece.find(_END)
        if end >= 0:
            self._keep(piece[: end + 2])
            return piece[end + len(_END) :]
        held = len(piece) - _HELD
        # Not between a CR and its LF: the count of line ends would be wrong on both sides.
        held -= piece[held - 1 : held] == b"\r"
        held = max(held, 0)
        _check_line_endings(piece[held:], ends=False)
        self._keep(piece[:held])
        self._held = piece[held:]
        return None

    def _keep(self, piece: bytes) -> None:
        _check_line_endings(piece, ends=True)
        self.size += len(piece)
        if self.too_large:
            self._kept.clear()
        else:
            self._kept += piece

    def drop(self) -> None:
        """Keep nothing of it: it will not be stored."""
        self._max_octets = -1
        self._kept.clear()

    def octets(self) -> bytes:
        """Returns the mail without dot-stuffing (RFC 5321 4.5.2)."""
        return bytes(self._kept.replace(b"\r\n.", b"\r\n")[2:])


def _check_line_endings(piece: bytes, *, ends: bool) -> None:
    """`ends`: whether a CR at the end is one without LF; else its LF may still come."""
    both = piece.count(b"\r\n")
    returns = piece.count(b"\r") - (not ends and piece.endswith(b"\r"))
    if returns != both or piece.count(b"\n") != both:
        raise BareLineEnding
