"""What may help with an address that takes no mail: solutions in plain words, each with its evidence. Pure.

A wrong suggestion is worse than none: somebody would mail a stranger. So a domain is called mistyped only where it is
one slip of a finger away from a large provider's, or from one that took mail of several of our customers, and took no
mail of ours itself.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.mail.address import LONGEST_ADDRESS, domain_of, suggest_typo
from gateway.mail.response import Exchange, Response
from gateway.mail.verdict import Cause, Rules, judge

MOST = 5
"""Solutions of one address: nobody tries a sixth."""
SEVERAL = 3
"""Customers whose mail a domain took before it counts as known: two may have made the same mistake."""
SOON = timedelta(days=30)
"""How long a mailbox may be full, or a server away, before waiting seldom helps."""


class SolutionKind(StrEnum):
    """What kind of solution."""

    TYPO = "TYPO"
    OTHER_ADDRESS = "OTHER_ADDRESS"
    ASK = "ASK"
    WAIT = "WAIT"
    LIFT = "LIFT"
    OURS = "OURS"


@dataclass(frozen=True, kw_only=True, slots=True)
class Solution:
    """One thing to try. `address` is the address to use; None when it names none."""

    kind: SolutionKind
    text: str
    address: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Meant:
    """The address that a mistyped one stands for, and what says so."""

    address: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherAddress:
    """Another address of the customer's that may be mailed, and when a server last took mail to it."""

    address: str
    accepted_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What is known of an address that takes no mail.

    `rule` is the verdict rule of the last failure, where one decided. `closed`: it is suppressed as a bad address;
    `words_speak_of_it`: the words that closed it would do so by today's rules. `others`: the newest success first.
    """

    address: str
    cause: Cause
    failing_since: datetime
    now: datetime
    rule: str | None = None
    closed: bool = False
    words_speak_of_it: bool = True
    meant: Meant | None = None
    others: Sequence[OtherAddress] = ()


def solutions(facts: Facts) -> tuple[Solution, ...]:
    """What may help, the likeliest first."""
    lift = _lift(facts) if facts.closed and not facts.words_speak_of_it else None
    typo = None if facts.meant is None else Solution(
        kind=SolutionKind.TYPO, text=facts.meant.why, address=facts.meant.address)  # fmt: skip
    other = _other(facts)
    ours = _ours(facts)
    wait = _wait(facts)
    waits_long = facts.now - facts.failing_since > SOON
    order = (ours, lift, typo, other, _ask(facts), wait) if waits_long else (ours, lift, typo, wait, other, _ask(facts))
    return tuple(one for one in order if one is not None)[:MOST]


def _lift(facts: Facts) -> Solution:
    return Solution(
        kind=SolutionKind.LIFT,
        text=f"The server's words do not say that {facts.address} is wrong, and it is suppressed because of them. If "
        "the customer says that it is right, lift the suppression.",
    )


def _other(facts: Facts) -> Solution | None:
    if not facts.others:
        return None
    best = facts.others[0]
    return Solution(
        kind=SolutionKind.OTHER_ADDRESS,
        text=f"The customer has another address: {best.address} took mail on {_day(best.accepted_at)}.",
        address=best.address,
    )


_OUR_SIDE = {
    Cause.AUTHENTICATION: "Their server cannot verify that our mail is ours: have SPF, DKIM and DMARC of our domain "
    "checked. The address may be right.",
    Cause.REPUTATION: "Their server mistrusts the server that sends our mail: have whoever runs it ask for the block "
    "to be lifted. The address may be right.",
    Cause.SPAM: "Their server takes our mail for spam: look at its wording and links, or ask the customer to allow our "
    "address. The address may be right.",
    Cause.RATE_LIMITED: "Their server takes fewer mails at a time than we send: a limit for their domain helps. The "
    "address may be right.",
}


def _ours(facts: Facts) -> Solution | None:
    if facts.rule == "relay-account-suppressed":
        text = (
            "The service that sends our mail keeps this address on a list of its own, since earlier mail came back. If "
            "the address is right, have it removed there."
        )
        return Solution(kind=SolutionKind.OURS, text=text)
    text_of_cause = _OUR_SIDE.get(facts.cause)
    return Solution(kind=SolutionKind.OURS, text=text_of_cause) if text_of_cause else None


_TROUBLE_THERE = frozenset(
    {Cause.DESTINATION_TROUBLE, Cause.GREYLISTED, Cause.RATE_LIMITED, Cause.CONNECTION_LOST, Cause.TIMEOUT}
)


def _wait(facts: Facts) -> Solution | None:
    since, long = _day(facts.failing_since), facts.now - facts.failing_since > SOON
    if facts.cause is Cause.MAILBOX_FULL:
        hope = (
            "hardly anybody looks into it any more."
            if long
            else "it takes mail again once the customer has made room. Tell them another way."
        )
        return Solution(kind=SolutionKind.WAIT, text=f"The mailbox is full since {since}: {hope}")
    if facts.cause in _TROUBLE_THERE:
        hope = "trouble that lasts so long seldom ends by itself." if long else "it may end by itself: try again later."
        return Solution(kind=SolutionKind.WAIT, text=f"Their mail server has trouble since {since}: {hope}")
    return None


_WHY_ASK = {
    Cause.BAD_ADDRESS: "Their server says that there is no such mailbox: it was mistyped, or is gone.",
    Cause.BAD_DOMAIN: "The part after the @ takes no mail: it was mistyped, or is no longer used.",
    Cause.MAILBOX_FULL: "The mailbox is full.",
    Cause.INACTIVE: "The mailbox is switched off or no longer used.",
    Cause.POLICY: "Their server's rules forbid our mail: they can allow our address.",
    Cause.UNSUPPORTED: "A mail server on the way cannot handle this address.",
}
_ROLES = frozenset(
    {
        *(
            "accounting",
            "accounts",
            "admin",
            "billing",
            "buero",
            "contact",
            "enquiries",
            "facturation",
            "hello",
            "help",
        ),
        *("info", "invoice", "invoices", "jobs", "kontakt", "mail", "manager", "marketing", "office", "orders"),
        *("purchasing", "reception", "rechnung", "sales", "secretary", "service", "support", "team", "webmaster"),
    }
)


def _ask(facts: Facts) -> Solution:
    why = _WHY_ASK.get(facts.cause, "Mail to this address keeps failing.")
    local = facts.address.rpartition("@")[0]
    if local.casefold() in _ROLES:
        text = f"{why} {local}@ is a mailbox of a role, not of a person: ask the customer who reads their mail now."
    else:
        text = f"{why} Ask the customer for an address that works."
    return Solution(kind=SolutionKind.ASK, text=text)


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"


def speaks_of_address(response: Response, rules: Rules, *, at: datetime) -> bool:
    """Whether these words would close the address by these rules. `at`: when they came."""
    said = Exchange(
        replies=(response,),
        response=response,
        fault=None,
        stage=response.stage,
        dot_sent=False,
        relay="",
        host=None,
        tls=None,
        started_at=at,
        took_ms=0,
    )
    return judge(said, rules).suppress


# Mistyped domains ------------------------------------------------------------------------------------------------

_SLIPPED_ENDINGS = {"co": "com", "cm": "com", "om": "com", "nt": "net", "ne": "net", "og": "org", "rg": "org"}


def near_domains(domain: str) -> list[str]:
    """Every domain that may have been meant by this one: one slip of a finger away from it, in the same country. Some
    hundreds, to be looked up."""
    domain = domain.casefold()
    name, _, ending = domain.rpartition(".")
    found = [f"{name}.{_SLIPPED_ENDINGS[ending]}"] if ending in _SLIPPED_ENDINGS else []
    if domain.startswith("xn--") or ".xn--" in domain:
        return found  # an A-label's letters are no typed ones
    found += [f"{other}.{ending}" for other in _near_names(name) if not _NO_HOST.search(other)]
    return sorted(set(found) - {domain})


_LETTERS = string.ascii_lowercase + "-"
# What no name of a host is, and names of up to four letters: those are all one letter apart from another firm's.
_NO_HOST = re.compile(r"(?:^|\.)(?:[.-]|$)|-(?:\.|$)|^.{0,4}$")
_LOOK_ALIKE = {"0": "o", "o": "0", "1": "il", "l": "1", "i": "1"}


def _near_names(name: str) -> Iterator[str]:
    """What lies before the last dot, with a letter more, fewer or other, or two neighbours swapped. Numbers tell firms
    apart: a digit is other only where it looks like a letter."""
    for at, sign in enumerate(name):
        before, behind = name[:at], name[at + 1 :]
        for other in _LOOK_ALIKE.get(sign, ""):
            yield before + other + behind
        if behind and not (sign.isdigit() and behind[0].isdigit()):
            yield before + behind[0] + sign + behind[1:]
        for other in _LETTERS:
            yield before + other + name[at:]
        if sign in _LETTERS:
            yield before + behind
            for other in _LETTERS:
                yield before + other + behind
    for other in _LETTERS:
        yield name + other


OF_A_DOMAIN_NOBODY_IS_AT = frozenset(
    {Cause.BAD_DOMAIN, Cause.DESTINATION_TROUBLE, Cause.CONNECTION_LOST, Cause.TIMEOUT}
)
"""Causes behind which a domain may be mistyped that is no large provider's: it does not exist, or nobody answers there.
A server that says which mailboxes it has is a firm's, and its name right, as far as anybody can tell."""


def meant_by(address: str, cause: Cause, known: Mapping[str, int], *, takes_mail: bool) -> Meant | None:
    """The address that this one most likely stands for; None where nothing says so.

    `known`: domains near its own (`near_domains`) that took mail, with of how many customers. `takes_mail`: its own
    domain took mail of ours, so it is no mistake.
    """
    local, domain = address.rpartition("@")[0], domain_of(address)
    if takes_mail or cause not in OF_A_DOMAIN_NOBODY_IS_AT | {Cause.BAD_ADDRESS}:
        return None
    provider = suggest_typo(domain)
    if provider is not None:
        return _meant(local, provider, f"{domain} looks like {provider} mistyped.")
    if cause not in OF_A_DOMAIN_NOBODY_IS_AT:
        return None
    found = [name for name, customers in known.items() if customers >= SEVERAL]
    if len(found) != 1:
        return None  # between two nobody can tell
    why = f"{domain} looks like {found[0]} mistyped, which took mail of {known[found[0]]} customers or more."
    return _meant(local, found[0], why)


def _meant(local: str, domain: str, why: str) -> Meant | None:
    address = f"{local}@{domain}"
    return (
        Meant(address=address, why=f"{why} It may have to be {address}.") if len(address) <= LONGEST_ADDRESS else None
    )
