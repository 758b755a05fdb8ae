"""The headers that are signed, as RFC 6376 wants them."""

from __future__ import annotations

from gateway.mail.signed_headers import names_of, relaxed, signed_headers

HEAD = (
    b"Received: by somebody\r\nSubject:  News \t for\r\n\tyou \r\nfrom :a@fabrikam.example\r\n"
    b"To: b@x.example,\r\n c@x.example\r\nTo: d@x.example\r\nFeedback-ID: 1:2\r\n"
)


def test_names_are_small_blanks_single_and_folds_gone() -> None:
    found = signed_headers(HEAD)
    assert found.block.split(b"\r\n") == [
        b"from:a@fabrikam.example",
        b"to:d@x.example",
        b"to:b@x.example, c@x.example",
        b"subject:News for you",
        b"feedback-id:1:2",
        b"",
    ]


def test_what_readers_see_is_named_once_more_than_it_is_there() -> None:
    names = ("from", "from", "to", "to", "to", "subject", "subject", "date", "reply-to", "feedback-id")
    assert signed_headers(HEAD).names == names
    assert names_of({"from": 1, "to": 2, "subject": 1, "feedback-id": 1}) == names


def test_some_lines_are_relaxed_in_their_own_order() -> None:
    assert (
        relaxed("Precedence: bulk\r\nSubject: a  b\r\nFrom: x\u00a0 y\r\n")
        == "subject:a b\r\nfrom:x\u00a0 y\r\n".encode()
    )
