"""A change of a text: which characters are replaced by what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """The characters from `start` to `end`, and what stands there instead; `change` says so in words."""

    start: int
    end: int
    instead: str
    change: str

    def apply(self, text: str) -> str:
        """Returns the text with this change."""
        return text[: self.start] + self.instead + text[self.end :]


def replaced(text: str, start: int, end: int, instead: str) -> Edit:
    """The edit that puts `instead` there, described by both."""
    return Edit(start=start, end=end, instead=instead, change=f"{shown(text[start:end])} to {shown(instead)}")


def shown(text: str) -> str:
    """A piece of code on one line, not too long."""
    short = " ".join(text.split())
    return f"`{short if len(short) <= 60 else short[:57] + '...'}`"
