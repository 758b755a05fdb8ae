"""What our receiving server found of a mail's origin: SPF, DKIM and DMARC from Authentication-Results (RFC 8601). Pure,
linear, never raises.

Anybody may write such a field. Only those are believed that name the server given by setting, and of those only the
topmost run: what stands further down came with the mail. The server must remove fields that claim its name (RFC 8601
5); this reader cannot know whether it does, so without a setting nothing is believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.mail.address import domain_of
from gateway.mail.received import Header


class Method(StrEnum):
    """How a mail's origin is checked."""

    SPF = "spf"
    DKIM = "dkim"
    DMARC = "dmarc"


class Result(StrEnum):
    """What came of a check (RFC 8601 2.7)."""

    PASS = "pass"  # noqa: S105  # a result, no password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    POLICY = "policy"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One check. `domain` is whose: of MAIL FROM for SPF, of the signature for DKIM, of From for DMARC; None when the
    field does not say."""

    method: Method
    result: Result
    domain: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Authentication:
    """What the trusted server found; without findings it said nothing, or nothing is trusted."""

    findings: tuple[Finding, ...]

    def verifies(self, from_domain: str | None) -> bool:
        """Whether the domain of From stands behind the mail: DMARC passed for it; where DMARC was not checked or the
        domain has no policy, an SPF or DKIM pass of a domain that is aligned with it (RFC 7489 3.1)."""
        if not from_domain:
            return False
        wanted = from_domain.lower().rstrip(".")
        dmarc = next((found for found in self.findings if found.method is Method.DMARC), None)
        if dmarc is not None and dmarc.result is not Result.NONE:
            return dmarc.result is Result.PASS and dmarc.domain in (None, wanted)
        return any(
            found.result is Result.PASS and found.domain is not None and _aligned(found.domain, wanted)
            for found in self.findings
            if found.method is not Method.DMARC
        )

    @property
    def words(self) -> str | None:
        """The findings on one line for people: `spf=pass (customer.example), dmarc=pass`; None without any."""
        return ", ".join(f"{found.method}={found.result}{_behind(found.domain)}" for found in self.findings) or None


def _behind(domain: str | None) -> str:
    return f" ({domain})" if domain else ""


def _aligned(one: str, other: str) -> bool:
    """Relaxed alignment as far as it can be told without a list of public suffixes: the same domain, or one within the
    other."""
    return one == other or one.endswith(f".{other}") or (other.endswith(f".{one}") and "." in one)


MAX_FINDINGS = 20
"""A mail has one SPF, one DMARC, and a few signatures."""
_LONGEST_FIELD = 4096
"""Characters of one field that are read: ten signatures and their comments."""


def read_authentication(headers: Sequence[Header], authserv_id: str | None) -> Authentication:
    """The findings of the server that calls itself `authserv_id`; none without one. Headers as they stand in the
    mail, topmost first."""
    findings: list[Finding] = []
    decided: set[Method] = set()
    for field in _trusted_fields(headers, authserv_id):
        found = [finding for finding in _findings(field) if finding.method not in decided]
        findings += found
        decided |= {finding.method for finding in found}  # a field further down adds nothing to what one above says
    return Authentication(findings=tuple(findings[:MAX_FINDINGS]))


def _trusted_fields(headers: Sequence[Header], authserv_id: str | None) -> Iterable[str]:
    """The content behind the name of the topmost fields in a row that carry it."""
    begun = False
    for header in headers if authserv_id else ():
        if header.name == "authentication-results":
            name, _, content = _without_comments(header.value[:_LONGEST_FIELD]).partition(";")
            if authserv_id and (name.split() or [""])[0].lower() == authserv_id.lower():
                begun = True
                yield content
                continue
        if begun:
            return


def _without_comments(value: str) -> str:
    """A field without its comments, which may nest (RFC 5322 3.2.2)."""
    kept: list[str] = []
    depth, quoted = 0, False
    for piece in _PIECES.findall(value):
        if piece == '"' and not depth:
            quoted = not quoted
        elif piece == "(" and not quoted:
            depth += 1
        elif piece == ")" and not quoted:
            depth = max(0, depth - 1)
        elif not depth:
            kept.append(piece if not quoted else piece.replace(";", " "))
    return "".join(kept)


_PIECES = re.compile(r'\\.|[()"]|[^()"\\]+|\\')
_RESULT = re.compile(r"\s*(spf|dkim|dmarc)(?:\s?/\s?\d{1,3})?\s?=\s?([a-z]{1,20})\b", re.IGNORECASE)
_PROPERTY = re.compile(
    r"\b(smtp\.mailfrom|smtp\.helo|header\.d|header\.i|header\.from)\s?=\s?([^\s;]{1,320})", re.IGNORECASE
)
_PROPERTIES = {
    Method.SPF: ("smtp.mailfrom", "smtp.helo"),
    Method.DKIM: ("header.d", "header.i"),
    Method.DMARC: ("header.from",),
}
_OTHER_NAMES = {"hardfail": "fail"}
_RESULTS = {result.value: result for result in Result}


def _findings(content: str) -> list[Finding]:
    findings = []
    for statement in content.split(";"):
        found = _RESULT.match(statement)
        said = found[2].lower() if found else ""
        result = _RESULTS.get(_OTHER_NAMES.get(said, said))
        if found is not None and result is not None:
            method = Method(found[1].lower())
            findings.append(Finding(method=method, result=result, domain=_domain(statement, method)))
    return findings


def _domain(statement: str, method: Method) -> str | None:
    values = {found[1].lower(): found[2].strip("<>").lower() for found in _PROPERTY.finditer(statement)}
    value = next((values[name] for name in _PROPERTIES[method] if values.get(name)), None)
    return (domain_of(value) or None) if value else None
