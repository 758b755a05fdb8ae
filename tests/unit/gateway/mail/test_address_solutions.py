"""What may help with an address that takes no mail; and what is never suggested."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.mail.address import suggest_typo
from gateway.mail.address_solutions import (
    MOST,
    SEVERAL,
    Facts,
    Meant,
    OtherAddress,
    SolutionKind,
    meant_by,
    near_domains,
    solutions,
    speaks_of_address,
)
from gateway.mail.response import Response, Stage
from gateway.mail.verdict import Cause
from gateway.verdict_rules import read_verdict_rules

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ANN = "Ann.Lee@acme-tools.com"


def facts(cause: Cause = Cause.BAD_ADDRESS, **values: object) -> Facts:
    usual = Facts(address=ANN, cause=cause, failing_since=NOW - timedelta(days=3), now=NOW)
    return replace(usual, **values)


def kinds(asked: Facts) -> list[SolutionKind]:
    return [one.kind for one in solutions(asked)]


# The likeliest first ---------------------------------------------------------------------------------------------

TYPO, OTHER, ASK, WAIT, LIFT, OURS = (
    SolutionKind.TYPO,
    SolutionKind.OTHER_ADDRESS,
    SolutionKind.ASK,
    SolutionKind.WAIT,
    SolutionKind.LIFT,
    SolutionKind.OURS,
)
OTHERS = (OtherAddress(address="lee@home.example", accepted_at=datetime(2026, 11, 3, tzinfo=UTC)),)
MEANT = Meant(address="Ann.Lee@acme-tool.com", why="It looks mistyped.")


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (facts(), [ASK]),
        (facts(others=OTHERS), [OTHER, ASK]),
        (facts(meant=MEANT, others=OTHERS), [TYPO, OTHER, ASK]),
        (facts(Cause.BAD_DOMAIN, meant=MEANT), [TYPO, ASK]),
        (facts(Cause.INACTIVE, others=OTHERS), [OTHER, ASK]),
        (facts(Cause.MAILBOX_FULL, others=OTHERS), [WAIT, OTHER, ASK]),
        (facts(Cause.MAILBOX_FULL, failing_since=NOW - timedelta(days=31)), [ASK, WAIT]),
        (facts(Cause.DESTINATION_TROUBLE, meant=MEANT), [TYPO, WAIT, ASK]),
        (facts(Cause.TIMEOUT, failing_since=NOW - timedelta(days=90), others=OTHERS), [OTHER, ASK, WAIT]),
        (facts(Cause.AUTHENTICATION), [OURS, ASK]),
        (facts(Cause.RATE_LIMITED), [OURS, WAIT, ASK]),
        (facts(Cause.POLICY, closed=True, words_speak_of_it=False), [LIFT, ASK]),
        (facts(closed=True), [ASK]),
        (facts(rule="relay-account-suppressed"), [OURS, ASK]),
    ],
)
def test_the_likeliest_solution_stands_first(asked: Facts, wanted: list[SolutionKind]) -> None:
    assert kinds(asked) == wanted


def test_each_says_on_what_evidence_in_plain_words() -> None:
    full = facts(Cause.MAILBOX_FULL, others=OTHERS, closed=True, words_speak_of_it=False)
    assert [(one.text, one.address) for one in solutions(full)] == [
        (
            f"The server's words do not say that {ANN} is wrong, and it is suppressed because of them. If the customer "
            "says that it is right, lift the suppression.",
            None,
        ),
        (
            "The mailbox is full since 27 November 2026: it takes mail again once the customer has made room. Tell them"
            " another way.",
            None,
        ),
        ("The customer has another address: lee@home.example took mail on 3 November 2026.", "lee@home.example"),
        ("The mailbox is full. Ask the customer for an address that works.", None),
    ]


def test_a_role_is_asked_for_its_reader() -> None:
    [asked] = solutions(facts(address="Info@acme-tools.com"))
    assert asked.text.endswith(
        "Info@ is a mailbox of a role, not of a person: ask the customer who reads their mail now."
    )
    assert "role" not in solutions(facts(address="inform@acme-tools.com"))[0].text


@settings(max_examples=50)
@given(
    st.builds(
        Facts, address=st.just(ANN), cause=st.sampled_from(Cause), now=st.just(NOW), rule=st.none(),
        failing_since=st.datetimes(NOW.replace(tzinfo=None) - timedelta(days=400), NOW.replace(tzinfo=None)).map(
            lambda moment: moment.replace(tzinfo=UTC)),
        closed=st.booleans(), words_speak_of_it=st.booleans(), meant=st.sampled_from([None, MEANT]),
        others=st.sampled_from([(), OTHERS]),
    )
)  # fmt: skip
def test_whatever_is_known_something_can_be_done_and_nothing_twice(asked: Facts) -> None:
    found = solutions(asked)
    assert 1 <= len(found) <= MOST
    assert len({one.kind for one in found}) == len(found)
    assert all(one.text.endswith(".") and len(one.text) < 400 for one in found)
    assert {one.kind for one in found if one.address} <= {TYPO, OTHER}


# Whose fault it is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "enhanced", "text", "stage", "speaks"),
    [
        (550, "5.1.1", "5.1.1 No such user", Stage.RCPT, True),
        (550, "5.7.1", "5.7.1 No such user", Stage.RCPT, False),
        (550, "5.1.1", "5.1.1 Sender verify failed: no such user", Stage.RCPT, False),
        (452, "4.2.2", "4.2.2 Over quota", Stage.RCPT, False),
        (550, None, "Mail from your host is blocked", Stage.RCPT, False),
    ],
)
def test_words_are_read_again_by_the_rules_of_today(
    code: int, enhanced: str | None, text: str, stage: Stage, speaks: bool
) -> None:
    said = Response(code=code, enhanced=enhanced, text=text, stage=stage)
    assert speaks_of_address(said, read_verdict_rules(), at=NOW) is speaks


# Mistyped domains ------------------------------------------------------------------------------------------------


def suggested(typed: str, *known: str, cause: Cause = Cause.BAD_DOMAIN, takes_mail: bool = False) -> str | None:
    """The domain that is suggested for one which takes no mail, when these took mail of several customers."""
    near = {name: SEVERAL for name in known if name in near_domains(typed)}
    found = meant_by(f"ann@{typed}", cause, near, takes_mail=takes_mail)
    return None if found is None else found.address.removeprefix("ann@")


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        ("acme-tols.com", "acme-tools.com"),
        ("acmetools.com", "acme-tools.com"),
        ("amce-tools.com", "acme-tools.com"),
        ("acme-tools.co", "acme-tools.com"),
        ("acne-tools.com", "acme-tools.com"),
        ("f0rest.de", "forest.de"),
        ("acme-tols.co.uk", "acme-tools.co.uk"),
        ("mail.acme-tols.com", "mail.acme-tools.com"),
        ("buecker.de", "buecher.de"),
    ],
)
def test_a_slip_in_a_known_domain_gets_its_name(typed: str, known: str) -> None:
    assert suggested(typed, known, "unrelated.com") == known


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        # Other firms, other machines, other countries
        ("hill.com", "bill.com"), ("ab.de", "abc.de"), ("mail1.acme.com", "mail2.acme.com"), ("firm24.de", "firm2.de"),
        ("studio54.com", "studio55.com"), ("acme-tools.de", "acme-tools.dk"), ("acme-tools.org", "acme-tools.com"),
        ("acme-tools.ch", "acme-tools.at"), ("acme.tools.com", "acmetools.com"), ("acme-tooling.com", "acme-tools.com"),
        ("tools-acme.com", "acme-tools.com"), ("xn--bcher-kva.de", "xn--bcher-kvb.de"),
        ("acme-tools.com", "acme-tools.com"),
    ],
)  # fmt: skip
def test_what_tells_two_domains_apart_is_no_slip(typed: str, known: str) -> None:
    assert suggested(typed, known) is None


@pytest.mark.parametrize(
    "real",
    ["mail.com", "email.com", "ymail.com", "gmx.com", "gmx.net", "gmx.de", "web.de", "aol.com", "me.com", "mac.com",
     "live.com", "msn.com", "hotmail.it", "hotmail.de", "hotmail.es", "outlook.de", "outlook.fr", "outlook.es",
     "outlook.it", "yahoo.ca", "yahoo.de", "yahoo.it", "yahoo.es", "yahoo.co.in", "yahoo.co.jp", "yahoo.com.au",
     "orange.be", "orange.es", "orange.ch", "wanadoo.es", "libero.at", "libera.it", "t-online.hu", "freenet.dk",
     "cloud.com", "lacoste.net", "comcast.com", "verizon.com", "att.com", "att.net", "proton.me", "protonmail.ch",
     "laposte.fr", "bluewin.de", "mail.ru", "yandex.ru", "yandex.com", "qq.com", "163.com", "126.com", "free.fr",
     "sfr.fr", "neuf.fr", "grange.fr", "google.com", "apple.com", "icloud.de", "bell.net", "bell.ca"],
)  # fmt: skip
def test_another_real_provider_is_never_called_a_slip(real: str) -> None:
    assert suggest_typo(real) is None
    assert suggested(real) is None


def test_a_strangers_server_that_knows_its_mailboxes_is_believed() -> None:
    # Given a firm's domain near a known one: it answers "no such user", so it is there
    assert suggested("acme-tools.com", "acme-tool.com", cause=Cause.BAD_ADDRESS) is None
    # But the slips of large providers' names belong to people who wait for them
    assert suggested("gmial.com", cause=Cause.BAD_ADDRESS) == "gmail.com"
    # Unless mail of ours went there, or the words are about something else
    assert suggested("gmial.com", cause=Cause.BAD_ADDRESS, takes_mail=True) is None
    assert suggested("acme-tols.com", "acme-tools.com", takes_mail=True) is None
    assert suggested("gmial.com", cause=Cause.MAILBOX_FULL) is None


def test_between_two_known_domains_nobody_can_tell() -> None:
    assert suggested("acme-tols.com", "acme-tools.com", "acme-tolls.com") is None


def test_two_customers_may_have_made_the_same_mistake() -> None:
    assert meant_by("ann@acme-tols.com", Cause.BAD_DOMAIN, {"acme-tools.com": SEVERAL - 1}, takes_mail=False) is None


NAMES = st.text(string.ascii_lowercase, min_size=6, max_size=20)
ENDINGS = st.sampled_from(["com", "de", "co.uk", "net", "io"])


@settings(max_examples=40)
@given(name=NAMES, ending=ENDINGS, at=st.integers(0, 19), letter=st.sampled_from(string.ascii_lowercase),
       slip=st.sampled_from(["left out", "doubled", "other", "swapped"]))  # fmt: skip
@example(name="aaaaaa", ending="com", at=0, letter="a", slip="left out")
def test_whatever_slip_is_made_the_domain_is_found_again(
    name: str, ending: str, at: int, letter: str, slip: str
) -> None:
    at %= len(name)
    typed = {
        "left out": name[:at] + name[at + 1 :],
        "doubled": name[:at] + name[at] + name[at:],
        "other": name[:at] + letter + name[at + 1 :],
        "swapped": name[: max(at - 1, 0)] + name[max(at - 1, 0) : at + 1][::-1] + name[at + 1 :],
    }[slip]
    known, typed = f"{name}.{ending}", f"{typed}.{ending}"
    assert (known in near_domains(typed)) == (known != typed)
    if known != typed and suggest_typo(typed) is None:
        assert suggested(typed, known) == known


@settings(max_examples=20)
@given(NAMES, ENDINGS, st.sampled_from(["", "7", "mail.", "24-"]))
def test_what_is_near_is_a_hosts_name_with_the_same_numbers(name: str, ending: str, more: str) -> None:
    typed = f"{more}{name}.{ending}"
    near = near_domains(typed)
    assert len(near) < 2000
    assert typed not in near
    letters = str.maketrans("01", "oi")
    for found in near:
        assert abs(len(found) - len(typed)) <= 1
        assert all(label and label[0] != "-" != label[-1] for label in found.split("."))
        digits = [sign for sign in found if sign.isdigit()]
        same = digits == [sign for sign in typed if sign.isdigit()]
        assert same or len(found.translate(letters)) == len(typed.translate(letters))
