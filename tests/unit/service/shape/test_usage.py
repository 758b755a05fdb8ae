"""A selection that is asked often is told from those that come once."""

from __future__ import annotations

from service.shape.usage import Usage


def test_a_selection_is_often_asked_when_it_is_a_share_of_the_last_reads() -> None:
    # Given counting in windows of ten reads, of which three are often
    usage = Usage(window=10, often=3)
    # When one selection is every second read, and the others are asked once each
    seen = [(usage.is_often("one"), usage.is_often(f"other {number}")) for number in range(10)]
    # Then it is known from its third on, in the next window too, and the others never
    assert [often for often, _ in seen] == [False, False] + [True] * 8
    assert not any(often for _, often in seen)


def test_a_selection_is_forgotten_when_it_has_not_been_asked_for_a_window() -> None:
    # Given a selection that was asked often
    usage = Usage(window=10, often=3)
    assert [usage.is_often("one") for _ in range(10)][-1]
    # When a window passes without it
    assert not any(usage.is_often(f"other {number}") for number in range(10))
    # Then it is as if it were new
    assert not usage.is_often("one")
