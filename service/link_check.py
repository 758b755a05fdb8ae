"""`python -m service check`: follows links of ours through PUBLIC_URL and says what the proxies before us did to them.

Two links are made and signed like those in mails, one in today's form and one in that of the first releases, which mail
that is out there still has. The service shows the path that reached it (`Link-Received`). Nothing but PUBLIC_URL is
asked, no redirect is followed, and no click is recorded.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import SplitResult, unquote, urlsplit

from gateway.mail.keys import Keyring
from gateway.mail.tracking import CHECK, LinkForm, ascii_url, click_url
from service.http.tracking import RECEIVED_PATH

SECONDS = 10.0
"""For one request, from the look-up of the name to the end of the response's head."""
MAX_HEAD = 65_536

_REDIRECTS = (301, 302, 303, 307, 308)
_ROUTE_HERE = "have the proxy pass /o/, /c/ and /u/ to the service"
_OPEN_TO_ALL = "let everybody GET /o/, /c/ and /u/, and POST /u/, without a login or a challenge."
_LET_THROUGH = (
    "If such mail was sent from here, let paths through as they are: in nginx write proxy_pass without a slash or path "
    "behind the port, in Apache set AllowEncodedSlashes NoDecode and ProxyPass with nocanon, in Traefik allow encoded "
    "slashes on the entry point."
)
_NOT_REACHED = "answered {status}, since the proxy does not reach the service: start it, or correct its address there."
_REFUSED = "refused a link with {status}: " + _OPEN_TO_ALL
_FAULTS = {
    200: "answered a link with a page instead of a redirect: {pass_on}, without a cache or a challenge.",
    401: _REFUSED,
    403: _REFUSED,
    404: "knows no /c/: {pass_on}.",
    405: _REFUSED,
    429: _REFUSED,
    502: _NOT_REACHED,
    503: _NOT_REACHED,
    504: _NOT_REACHED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One sentence or two: what was seen, and what to do. `ok` is false when links in new mail do not work."""

    ok: bool
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The head of a response; header names in small letters."""

    status: int
    headers: Mapping[str, str]

    @property
    def location(self) -> str:
        return self.headers.get("location", "")

    @property
    def received(self) -> str | None:
        """The path as it reached the service; None when something before it answered, or dropped the header."""
        return self.headers.get(RECEIVED_PATH.lower())

    @property
    def is_ours(self) -> bool:
        """Whether the service answered: its pages, that for an unknown link too, are marked for search engines."""
        return self.received is not None or "noindex" in self.headers.get("x-robots-tag", "")

    def leads_to(self, destination: str) -> bool:
        return self.status == HTTPStatus.FOUND and self.location == destination


class Unreachable(Exception):
    """There was no response; the message says why, and what to do."""


async def check(public_url: str, keyring: Keyring, *, seconds: float = SECONDS) -> list[Finding]:
    """Returns what was found, at least one finding. Takes at most twice `seconds`."""
    destination = f"{public_url}/?a=1&b=2%2F3#check"
    link = click_url(keyring, public_url, CHECK, 1, destination)
    try:
        finding = diagnose(public_url, link, ascii_url(destination), await ask(link, seconds))
    except Unreachable as error:
        return [Finding(ok=False, text=str(error))]
    if not finding.ok:
        return [finding]
    old = click_url(keyring, public_url, CHECK, 1, destination, form=LinkForm.ESCAPED)
    try:
        return [finding, diagnose_old(old, ascii_url(destination), await ask(old, seconds))]
    except Unreachable:
        return [finding, diagnose_old(old, ascii_url(destination), None)]


def diagnose(public_url: str, link: str, destination: str, answer: Answer) -> Finding:
    """Returns what became of a link as mails have it now."""
    if answer.leads_to(destination):
        text = f"Links work: {public_url} led one to its destination{_what_happened(link, answer)}."
        return Finding(ok=True, text=text)
    return Finding(ok=False, text=_fault(public_url, link, answer))


def diagnose_old(link: str, destination: str, answer: Answer | None) -> Finding:
    """Returns what became of a link of the first releases; None: no answer. It is `ok` in any case: a new deployment
    has sent none.
    """
    if answer is not None and answer.leads_to(destination):
        return Finding(ok=True, text=f"Links of the first releases work, too{_what_happened(link, answer)}.")
    if answer is None:
        cause = "the proxy hangs up on percent-escaped slashes"
    elif answer.is_ours:
        cause = "the proxy decodes paths and changes them beyond repair"
    else:
        cause = f"the proxy refuses percent-escaped slashes with {answer.status}"
    return Finding(ok=True, text=f"Links of the first releases do not work: {cause}. {_LET_THROUGH}")


def _what_happened(link: str, answer: Answer) -> str:
    """Returns how the path changed on its way, as the end of a sentence."""
    sent, received = urlsplit(link).path, answer.received
    if received is None:
        return ""
    if received == sent:
        return ", and its path arrived unchanged"
    if received == unquote(sent):
        return "; its path arrived decoded, which the service mends"
    if unquote(received) == sent:
        return "; its path arrived encoded twice, which the service mends"
    return f"; its path arrived changed, which the service mends: {received[:200]}"


def _fault(public_url: str, link: str, answer: Answer) -> str:
    if answer.received is not None:
        return (
            f"The proxy changed the destination of a redirect to {answer.location[:200] or 'nothing'}: "
            "let Location through as it is (nginx: proxy_redirect off; Apache: no ProxyPassReverse)."
        )
    if answer.status in _REDIRECTS:
        return _redirect_fault(public_url, link, answer)
    if answer.is_ours and answer.status == HTTPStatus.NOT_FOUND:
        return (
            "The service did not know its own link: give this command the SECRET_KEYS that the service runs with; "
            "if they are the same, the proxy changes paths: let it pass them on as they are."
        )
    fault = _FAULTS.get(answer.status, "answered {status} where a link redirects: {pass_on} as they are.")
    return f"{public_url} {fault.format(status=answer.status, pass_on=_ROUTE_HERE)}"


def _redirect_fault(public_url: str, link: str, answer: Answer) -> str:
    to, of = urlsplit(answer.location), urlsplit(link)
    if to.path == of.path and to.netloc:
        return (
            f"{public_url} redirects to {to.scheme}://{to.netloc}, which slows clicks and loses a mail program's "
            f"one-click unsubscribe: set PUBLIC_URL={to.scheme}://{to.netloc}"
        )
    if to.path == of.path + "/":
        return f"{public_url} redirects to the same path with a slash behind it: take out the rule that adds slashes."
    return f"{public_url} redirects links to {answer.location[:200]}: {_OPEN_TO_ALL}"


async def ask(link: str, seconds: float) -> Answer:
    """GET one address and return the head of its response. TLS is verified. Raises Unreachable."""
    parts = urlsplit(link)
    at = f"{parts.hostname} port {parts.port or (443 if parts.scheme == 'https' else 80)}"
    try:
        async with asyncio.timeout(seconds):
            return _parse(await _head(parts))
    except ssl.SSLCertVerificationError as error:
        reason = (
            f"The certificate at {at} is not valid ({error.verify_message}): renew it, install its whole chain, or "
            "name a private CA in SSL_CERT_FILE."
        )
    except ssl.SSLError as error:
        reason = f"What answers at {at} speaks no TLS that we accept ({error.reason}): correct it, or PUBLIC_URL."
    except socket.gaierror:
        reason = f"The name {parts.hostname} is not in DNS: add it there, or correct PUBLIC_URL."
    except TimeoutError:
        reason = f"{at} gave no answer within {seconds:g} seconds: look at the firewall and the proxy."
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, http.client.HTTPException, ValueError):
        reason = f"What answers at {at} is no web server: correct it, or PUBLIC_URL."
    except OSError as error:
        reason = f"{at} cannot be reached ({error.strerror or error}): start the proxy, or correct PUBLIC_URL."
    raise Unreachable(reason)


async def _head(parts: SplitResult) -> bytes:
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    port = parts.port or (443 if tls else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=tls, limit=MAX_HEAD)
    try:
        writer.write(
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: customer-emails-check\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        return await reader.readuntil(b"\r\n\r\n")
    finally:
        # Closing properly would wait for a peer that may never hang up.
        writer.transport.abort()


def _parse(head: bytes) -> Answer:
    line, _, fields = head.partition(b"\r\n")
    version, _, status = line.decode("latin-1").partition(" ")
    if not version.startswith("HTTP/"):
        raise ValueError("no status line")
    headers = http.client.parse_headers(io.BytesIO(fields))
    return Answer(status=int(status[:3]), headers={name.lower(): value for name, value in headers.items()})
