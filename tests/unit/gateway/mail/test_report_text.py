"""Whom a report for people names, and what it says of each."""

from __future__ import annotations

import pytest

from gateway.mail.delivery_status import ReportAction
from gateway.mail.report_text import (
    Entry,
    action_of,
    find_entries,
    find_form,
    opening_words,
    own_lines,
    plain_line,
)
from gateway.report_rules import read_report_rules

RULES = read_report_rules()


def named(text: str, *, not_these: frozenset[str] = frozenset()) -> list[str]:
    return [entry.recipient for entry in find_entries(text.split("\n"), RULES, not_these=not_these)]


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("The following addresses failed:\n\n  <a@x.example>:\n  b@x.example\n", ["a@x.example", "b@x.example"]),
        ("did not reach the following recipient(s):\n a@x.example on Mon\n   said z@y.example", ["a@x.example"]),
        ("Failed recipients:\na@x.example, b@x.example", ["a@x.example", "b@x.example"]),
        ("could not be delivered to: a@x.example.", ["a@x.example"]),
        ("Unknown user: a@x.example", ["a@x.example"]),
        ("There was an error delivering your mail to <a@x.example>.", ["a@x.example"]),
        ("The server rejected recipient <a@x.example> (550)", ["a@x.example"]),
        (">>> RCPT To:<a@x.example>\n<<< 550 no", ["a@x.example"]),
        ("550 <a@x.example>... User unknown", ["a@x.example"]),
        ("a@x.example: no such user\nPlease contact postmaster@y.example", ["a@x.example"]),
        ("Your mail (to a@x.example, perhaps) was refused.\nContact help@y.example", ["a@x.example"]),
        ("The following addresses failed:\na@x.example\nA@X.example", ["a@x.example"]),
        ("The message from o@firm.example was refused for g@x.example", ["g@x.example"]),
        ("Nobody is named.", []),
    ],
)
def test_recipients_are_found(text: str, addresses: list[str]) -> None:
    assert named(text, not_these=frozenset({"o@firm.example"})) == addresses


def test_each_recipient_has_the_words_up_to_the_next() -> None:
    text = (
        "These recipients failed:\n a@x.example:\n   550 one\n"
        " b@x.example:\n   550 two\n   (generated from c@x.example)"
    )
    assert find_entries(text.split("\n"), RULES, not_these=frozenset()) == [
        Entry(recipient="a@x.example", original=None, words="a@x.example:\n550 one"),
        Entry(
            recipient="b@x.example",
            original="c@x.example",
            words="b@x.example:\n550 two\n(generated from c@x.example)",
        ),
    ]


def test_a_code_of_the_transcript_is_added_to_an_entry_without_one() -> None:
    listed = "The following addresses failed:\n<a@x.example>\n\n"
    text = f"{listed}--- Transcript of session follows ---\n550 <a@x.example>... no"
    [entry] = find_entries(text.split("\n"), RULES, not_these=frozenset())
    assert "550 <a@x.example>... no" in entry.words


@pytest.mark.parametrize(
    ("marker", "copy"),
    [
        ("--- Below this line is a copy of the message.", "Subject: x\n"),
        ("------ This is a copy of the message, including all the headers. ------", "Subject: x\n"),
        ("Original message follows.", "Subject: x\n"),
        ("   ----- Unsent message follows -----", "Subject: x\n"),
        ("------- Returned Message --------", "Subject: x\n"),
        ("", "Received: by mx.firm.example\nSubject: x\n"),
    ],
)
def test_the_returned_mail_is_parted_from_the_report(marker: str, copy: str) -> None:
    own, rest = own_lines(f"It failed.\na@x.example\n{marker}\n{copy}", RULES)
    assert own[:2] == ["It failed.", "a@x.example"]
    assert rest == copy


def test_a_sentence_about_copies_starts_no_copy() -> None:
    assert own_lines("The following did NOT receive a copy of your message:\na@x.example", RULES)[1] == ""


@pytest.mark.parametrize("form", RULES.forms, ids=lambda form: form.name)
def test_a_form_knows_its_own_example(form: object) -> None:
    [wanted] = [one for one in RULES.forms if one is form]
    subject, opening = ("", plain_line(wanted.example)) if wanted.opening else (wanted.example, "")
    assert find_form(subject, opening, from_system=wanted.system_only, rules=RULES) is wanted


def test_words_that_anybody_might_write_count_from_a_system_alone() -> None:
    opening = plain_line("Your parcel could not be delivered.")
    assert find_form("", opening, from_system=False, rules=RULES) is None
    assert find_form("", opening, from_system=True, rules=RULES) is not None


def test_quoted_lines_are_no_opening() -> None:
    assert opening_words(["> Hi. This is the qmail-send program", "", "  What is this? "]) == "what is this?"


@pytest.mark.parametrize(
    ("subject", "opening", "action"),
    [
        ("Warning: could not send message for past 4 hours", "", ReportAction.DELAYED),
        ("", "this is a warning message only", ReportAction.DELAYED),
        ("", "your message has not yet been delivered", ReportAction.DELAYED),
        ("Mail delivery failed", "your message could not be delivered", ReportAction.FAILED),
        ("Warning: ann - User unknown!", "there is no user by that name", ReportAction.FAILED),
    ],
)
def test_a_warning_is_told_from_a_failure(subject: str, opening: str, action: ReportAction) -> None:
    assert action_of(None, subject, opening, RULES) is action
