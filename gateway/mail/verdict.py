"""Our reading of what a server said: an exchange and the rules (data) make a verdict. Pure.

The order of reading:

1. a 2xx reply to the end of data: ACCEPTED, and nothing else is;
2. a 4xx or 5xx reply: the first rule that fits it among `connection` (refusals of our login or of TLS),
   `text` (a provider's own words, then everybody's), `enhanced` (RFC 3463), `basic` (RFC 5321 4.2.3) and `stage`;
3. no such reply: the first `fault` rule that fits the fault, its stage, and whether the dot had left. Once it has,
   silence is UNCERTAIN: whether the server took the mail is unknown.

Some promises are kept here, whatever a rule says:

- before MAIL a reply speaks of the relay: DEFERRED, never the end of a recipient;
- 421 closes a channel and says nothing of the message: its scope is RELAY before RCPT, DESTINATION from there on
  (so that a mail which a server chokes on cannot pause everybody's);
- before RCPT no server knows a destination: general words that would pause one pause the relay; a provider's
  own words (`knows_destination`) come from the destination through the relay, and pause that;
- only a 5xx to this recipient's RCPT suppresses, or one after it whose code is about addresses (5.1.x) or whose words
  are a provider's own (`sure_after_data`): a server that has read the mail may speak of an address in it. A 5.7.x
  (policy) or 4.x.x code never suppresses, nor does a reply with a word that speaks of anything else (`doubts`: the
  sender, a policy, a quota, a connection, "possible reasons");
- a reply that quotes another ("host X said: 450 ...") suppresses only where the innermost one would, and the innermost
  one decides where the outer has but a code.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache

from gateway.mail.phrases import Phrases
from gateway.mail.response import Exchange, FaultKind, Response, Stage


class Outcome(StrEnum):
    """What became of one attempt. The SQL type `verdict` has the same values."""

    ACCEPTED = "ACCEPTED"
    DEFERRED = "DEFERRED"
    REFUSED = "REFUSED"
    UNCERTAIN = "UNCERTAIN"


class Cause(StrEnum):
    """Why a mail is not there (yet). The SQL type `cause` has the same values; verdicts use those up to TIMEOUT."""

    BAD_ADDRESS = "BAD_ADDRESS"
    BAD_DOMAIN = "BAD_DOMAIN"
    MAILBOX_FULL = "MAILBOX_FULL"
    INACTIVE = "INACTIVE"
    POLICY = "POLICY"
    SPAM = "SPAM"
    AUTHENTICATION = "AUTHENTICATION"
    REPUTATION = "REPUTATION"
    SIZE = "SIZE"
    CONTENT = "CONTENT"
    GREYLISTED = "GREYLISTED"
    RATE_LIMITED = "RATE_LIMITED"
    RELAY_TROUBLE = "RELAY_TROUBLE"
    DESTINATION_TROUBLE = "DESTINATION_TROUBLE"
    OUR_CONFIGURATION = "OUR_CONFIGURATION"
    UNSUPPORTED = "UNSUPPORTED"
    CONNECTION_LOST = "CONNECTION_LOST"
    TIMEOUT = "TIMEOUT"
    RESTORED = "RESTORED"
    SUPPRESSED = "SUPPRESSED"
    OPTED_OUT = "OPTED_OUT"
    WRONG_RELAY = "WRONG_RELAY"
    DEADLINE = "DEADLINE"
    BY_PERSON = "BY_PERSON"
    UNKNOWN = "UNKNOWN"


BAD_ADDRESS_CAUSES = frozenset({Cause.BAD_ADDRESS, Cause.BAD_DOMAIN})
"""The causes that may suppress an address: trying again, or trying other mail, cannot help."""
ONCE_SUFFICES = BAD_ADDRESS_CAUSES | {Cause.MAILBOX_FULL, Cause.INACTIVE}
"""The causes that speak of the address: with one such failure it is among the bad addresses."""
THEY_KEEP_COMING = frozenset(
    {
        Cause.POLICY,
        Cause.SPAM,
        Cause.AUTHENTICATION,
        Cause.REPUTATION,
        Cause.GREYLISTED,
        Cause.RATE_LIMITED,
        Cause.DESTINATION_TROUBLE,
        Cause.UNSUPPORTED,
        Cause.CONNECTION_LOST,
        Cause.TIMEOUT,
        Cause.UNKNOWN,
    }
)
"""The causes that speak of something else on the way to the address: several in a row put it there, too. Those of one
mail alone (SIZE, CONTENT) and of our own servers say nothing of an address."""


class Scope(StrEnum):
    """What a verdict speaks of: this message, everything by this relay, or everything to this domain by it."""

    MESSAGE = "MESSAGE"
    RELAY = "RELAY"
    DESTINATION = "DESTINATION"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What one exchange means.

    `cause` and `advice` are None for ACCEPTED only; `advice` is ours, for a person at a small firm, and stands beside
    the server's words. `rule` is the deciding rule's name. `suppress` asks for a suppression with reason
    BAD_ADDRESS; it comes with REFUSED only. `retry_after` is what the server asked for, at most a day, with DEFERRED
    only. `stops_relay`: no mail by this relay can pass until a person mends its settings (535): stop it and raise an
    alarm; it comes with DEFERRED and scope RELAY only.

    `counts` and `scope` say two things. `counts`: this is an attempt of this message, to be recorded. It is false for
    everything before MAIL, where the server knows nothing of the message, and where we gave up ourselves. `scope` other
    than MESSAGE (DEFERRED only) says that the failure may be the relay's or destination's: several different mails
    failing so pause it, one mail's odd answer does not.
    """

    outcome: Outcome
    cause: Cause | None
    advice: str | None
    rule: str
    scope: Scope = Scope.MESSAGE
    suppress: bool = False
    retry_after: timedelta | None = None
    stops_relay: bool = False
    counts: bool = True


ACCEPTED = Verdict(outcome=Outcome.ACCEPTED, cause=None, advice=None, rule="accepted")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One rule for replies of 4xx and 5xx; it fits when everything it names fits, and None fits everything.

    `text` searches the reply's `plain_words`. `enhanced` matches a whole RFC 3463 code, or nothing where the reply has
    none. `defers` keeps even a 5xx for another try. `knows_destination` keeps the scope DESTINATION even before RCPT.
    `sure_after_data` suppresses after RCPT even without a 5.1.x code. `example` is a reply that this rule decides: its
    stage, then the reply.
    """

    name: str
    cause: Cause
    advice: str
    example: str
    text: Phrases | None = None
    enhanced: re.Pattern[str] | None = None
    codes: frozenset[int] | None = None
    stages: frozenset[Stage] | None = None
    defers: bool = False
    scope: Scope = Scope.MESSAGE
    knows_destination: bool = False
    suppress: bool = False
    sure_after_data: bool = False
    stops_relay: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultRule:
    """One rule for an exchange without a deciding reply. `after_dot` rules are UNCERTAIN, `refuses` ones REFUSED."""

    name: str
    cause: Cause
    advice: str
    example: str
    after_dot: bool = False
    faults: frozenset[FaultKind] | None = None
    stages: frozenset[Stage] | None = None
    refuses: bool = False
    scope: Scope = Scope.MESSAGE


# Compared by identity: verdicts are remembered by rules and words, and comparing whole rules would cost too much.
@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rules:
    """All rules, in the order in which they are tried. `again` is said after the advice of what is tried again.
    `doubts`: a reply with any of these words suppresses no address."""

    replies: tuple[Rule, ...]
    faults: tuple[FaultRule, ...]
    again: str
    doubts: Phrases


def judge(exchange: Exchange, rules: Rules) -> Verdict:
    """Read one exchange. Never raises; ACCEPTED only with a 2xx reply to the end of data."""
    reply = exchange.response
    if reply is not None:
        if reply.stage is Stage.END_OF_DATA and 200 <= reply.code < 300:
            return ACCEPTED
        if 400 <= reply.code < 600:
            return _judge_reply(read_reply(reply), rules)
    return _judge_fault(exchange, rules)


BEFORE_MAIL = frozenset({Stage.CONNECT, Stage.GREETING, Stage.EHLO, Stage.STARTTLS, Stage.AUTH})
"""Stages whose replies speak of the connection, and so of the relay."""

BEFORE_RCPT = BEFORE_MAIL | {Stage.MAIL}
"""Stages at which the server does not know the recipient yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What rules look at in a reply: `words` as `plain_words` makes them, `enhanced` as `enhanced_code` finds it."""

    code: int
    enhanced: str | None
    stage: Stage
    words: str


def read_reply(reply: Response) -> Said:
    """The part of a reply that rules look at."""
    return Said(code=reply.code, enhanced=enhanced_code(reply), stage=reply.stage, words=plain_words(reply.text))


# A server says the same to many recipients of a campaign; the limit keeps the memory within about 2 MB.
@lru_cache(maxsize=1024)
def _judge_reply(said: Said, rules: Rules) -> Verdict:
    rule = next(rule for rule in rules.replies if fits(rule, said))
    quoted = quoted_reply(said)
    if quoted is not None and rule.text is None:
        rule = next(rule for rule in rules.replies if fits(rule, quoted))
    scope = _scope(rule, said)
    deferred = said.code < 500 or rule.defers or rule.stops_relay or said.stage in BEFORE_MAIL
    return Verdict(
        outcome=Outcome.DEFERRED if deferred else Outcome.REFUSED,
        cause=rule.cause,
        advice=f"{rule.advice} {rules.again}" if deferred and not rule.stops_relay else rule.advice,
        rule=rule.name,
        scope=scope,
        suppress=rule.suppress
        and not deferred
        and _may_suppress(rule, said)
        and not rules.doubts.search(said.words)
        and (quoted is None or _judge_reply(quoted, rules).suppress),
        retry_after=asked_wait(said.words) if deferred else None,
        stops_relay=rule.stops_relay,
        counts=said.stage not in BEFORE_MAIL,
    )


def _scope(rule: Rule, said: Said) -> Scope:
    if said.stage in BEFORE_MAIL or rule.stops_relay:
        return Scope.RELAY
    if said.code == 421 and rule.scope is Scope.MESSAGE:
        return Scope.RELAY if said.stage in BEFORE_RCPT else Scope.DESTINATION
    if said.code >= 500 and not rule.defers:
        return Scope.MESSAGE
    if rule.scope is Scope.DESTINATION and said.stage in BEFORE_RCPT and not rule.knows_destination:
        return Scope.RELAY
    return rule.scope


def _may_suppress(rule: Rule, said: Said) -> bool:
    if said.stage in BEFORE_RCPT:
        return False
    code = said.enhanced or "5."
    if not code.startswith("5.") or code.startswith("5.7."):
        return False
    return said.stage is Stage.RCPT or rule.sure_after_data or code.startswith("5.1.")


def fits(rule: Rule, said: Said) -> bool:
    """Whether everything that the rule names fits."""
    return (
        (rule.codes is None or said.code in rule.codes)
        and (rule.stages is None or said.stage in rule.stages)
        and (rule.enhanced is None or rule.enhanced.fullmatch(said.enhanced or "") is not None)
        and (rule.text is None or rule.text.search(said.words))
    )


def _judge_fault(exchange: Exchange, rules: Rules) -> Verdict:
    # A reply that is neither, and no fault: the conversation is out of step.
    kind = FaultKind.PROTOCOL if exchange.fault is None else exchange.fault.kind
    rule = next(rule for rule in rules.faults if fits_fault(rule, kind, exchange.stage, exchange.dot_sent))
    if rule.after_dot:
        outcome, advice = Outcome.UNCERTAIN, rule.advice
    elif rule.refuses:
        outcome, advice = Outcome.REFUSED, rule.advice
    else:
        outcome, advice = Outcome.DEFERRED, f"{rule.advice} {rules.again}"
    return Verdict(
        outcome=outcome,
        cause=rule.cause,
        advice=advice,
        rule=rule.name,
        scope=rule.scope,
        counts=outcome is not Outcome.DEFERRED or (exchange.stage not in BEFORE_MAIL and kind not in _NOT_TRIED),
    )


_NOT_TRIED = frozenset({FaultKind.CANCELLED, FaultKind.NO_RELAY})
"""Faults of ours: the mail was not tried."""


def fits_fault(rule: FaultRule, kind: FaultKind, stage: Stage, dot_sent: bool) -> bool:
    """Whether the rule is about this fault, at this stage, on this side of the dot."""
    return (
        rule.after_dot == dot_sent
        and (rule.faults is None or kind in rule.faults)
        and (rule.stages is None or stage in rule.stages)
    )


# Every known provider says what matters in its first lines; the rest (links, tickets, a whole policy) costs time.
_READ_CHARACTERS = 1024

_LINE_CODE = re.compile(r"^[ \t]*[245]\.\d{1,3}\.\d{1,3}(?=\s|$)", re.MULTILINE)
_ADDRESS = re.compile(r"""[^\s<>()\[\],;:"']{1,64}@[^\s<>()\[\],;:"']{1,255}""")


# Queue ids, different in every reply: `d9443c01a7336-2a1b2c3si1234plg.123 - gsmtp`. Addresses of pages stay.
_TICKET = re.compile(r"(?<!\S)(?=\S*\d)[a-z0-9._-]{16,}(?!\S)")


def plain_words(text: str) -> str:
    """A reply's words for matching: its first 1,024 characters in lower case, without accents, on one line, blanks
    single.

    The lines' leading enhanced codes are left out, an address is a bare `@` and a queue id a bare `#`: an address
    such as `spam@customer.example` must not decide, and replies to many recipients become equal.
    """
    words = _ADDRESS.sub("@", _LINE_CODE.sub("", _without_accents(text[:_READ_CHARACTERS])).lower())
    return " ".join(_TICKET.sub("#", words).split())


# The SMTP client writes a byte that is not UTF-8 as `\xfc`: most of those servers speak Latin-1.
_BYTE = re.compile(r"\\x([89a-f][0-9a-f])")
_ACCENTS = dict.fromkeys(range(0x0300, 0x0370)) | {ord("\N{RIGHT SINGLE QUOTATION MARK}"): "'"}


def _without_accents(text: str) -> str:
    """`Boîte pleine` as `Boite pleine`; kana and other scripts stay whole."""
    if "\\x" in text:
        text = _BYTE.sub(lambda byte: chr(int(byte[1], 16)), text)
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKD", text).translate(_ACCENTS))


# Where servers write it: at the start (some with the basic code before it), or marked (`#5.1.0 Address rejected`,
# `(#5.1.1)`).
_ENHANCED = re.compile(r"(?:^\W{0,3}(?:[45]\d\d[ -]\W?)?|[#(])([245]\.\d{1,3}\.\d{1,3})(?!\d|\.\d)")


_QUOTED = re.compile(r"[:(] ?\W?(?P<code>[45]\d\d)(?:[ -]#?(?P<enhanced>[45]\.\d{1,3}\.\d{1,3}))?(?=[ ).;-]|$)")


def quoted_reply(said: Said) -> Said | None:
    """The innermost reply that this one quotes (`host mx.customer.example said: 550 5.1.1 No such user`), as if it had
    been said here; None without one."""
    innermost = deque(_QUOTED.finditer(said.words), maxlen=1)
    if not innermost:
        return None
    found = innermost.pop()
    words = said.words[found.end() :].strip()
    return Said(code=int(found["code"]), enhanced=found["enhanced"], stage=said.stage, words=words)


def enhanced_code(reply: Response) -> str | None:
    """The RFC 3463 code of a reply: the one that was parsed, else the one that its words show."""
    if reply.enhanced is not None:
        return reply.enhanced
    found = _ENHANCED.search(reply.text[:_READ_CHARACTERS])
    return found[1] if found else None


LONGEST_ASKED_WAIT = timedelta(hours=24)
"""A server that asks for more is obeyed this far: a deadline decides the rest."""

_CLOCK_WAIT = re.compile(r"\b(?:in|after|for|wait)\s+(\d{1,2}):(\d{2}):(\d{2})\b")
# "A few" is three: early enough for minutes, not a lost day for hours.
_COUNT = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBER_WORDS = {"a": 1, "an": 1, "half a": 0.5, "half an": 0.5, "half": 0.5, "a couple of": 2, "a few": 3} | {
    word: number for number, word in enumerate(_COUNT, start=1)
}
_NUMBER = rf"\d{{1,6}}|(?:{'|'.join(sorted(_NUMBER_WORDS, key=len, reverse=True))})(?= )"
_COUNTED_WAIT = re.compile(
    r"\b(?:in|after|for|wait|within|least|between)[ :=]+"
    r"(?:(?:about|around|approximately|another|the next|at least|up to) )*"
    rf"(?:({_NUMBER})(?: ?[-\u2013] ?| to | or | and ))?({_NUMBER})\s{{0,2}}"
    r"(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\b"
)
_AGAIN = re.compile(r"again|retry|wait|come back|defer|resend|later|delay|greylist|graylist")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def asked_wait(words: str) -> timedelta | None:
    """How long a temporary refusal asks us to wait ("try again in 5 minutes", "in half an hour"; of a range its larger
    end), at most LONGEST_ASKED_WAIT."""
    if _AGAIN.search(words) is None:
        return None
    if clock := _CLOCK_WAIT.search(words):
        seconds = int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3])
    elif counted := _COUNTED_WAIT.search(words):
        number = max(_number(counted[1] or counted[2]), _number(counted[2]))
        seconds = int(number * _SECONDS[counted[3][0]])
    else:
        return None
    return min(timedelta(seconds=seconds), LONGEST_ASKED_WAIT)


def _number(words: str) -> float:
    return _NUMBER_WORDS[words] if words in _NUMBER_WORDS else int(words)
