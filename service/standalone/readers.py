"""The firm's customers read their mail: real requests to the pixel, the links and the unsubscribe address.

People, a mail privacy proxy, an image proxy and a link scanner, each from an address of its own where the machine has
more than one loopback address (Linux), so that the lists show who is who.
"""

from __future__ import annotations

import email
import email.policy
import http.client
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

from service.standalone.firm.customers import Customer, Reader

_AGENTS = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
    "Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
)
_PRIVACY_PROXY = "Mozilla/5.0"
_IMAGE_PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
_ADDRESS = re.compile(r"(?:href|src)=\"([^\"]+)\"")
_THINKING_SECONDS = 1.5
"""Between two mails, and between two links, of one person: whoever is faster is a machine to the judge."""
_AT_A_TIME = 8
"""Customers who read at the same moment: a lively evening, not a load test."""
_TIMEOUT = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """What a reader can do with one mail."""

    pixel: str | None
    links: tuple[str, ...]
    unsubscribe: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """What came of it."""

    opens: int = 0
    clicks: int = 0
    unsubscribed: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            opens=self.opens + other.opens,
            clicks=self.clicks + other.clicks,
            unsubscribed=self.unsubscribed + other.unsubscribed,
        )


class Browser:
    """Fetches as one reader: an agent and, where there is one to spare, a loopback address."""

    def __init__(self, url: str, agent: str, number: int) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._agent = agent
        self._source = (f"127.1.{number // 250}.{number % 250 + 1}", 0)

    def fetch(self, address: str, *, method: str = "GET", body: str | None = None) -> int:
        """The status; 0 when nobody answered."""
        parts = urlsplit(address)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        # Where every reader has to come from 127.0.0.1, the service takes this from it, as from a proxy.
        headers = {"User-Agent": self._agent, "Accept": "*/*", "X-Forwarded-For": self._source[0]}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        for source in (self._source, None):
            client = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT, source_address=source)
            try:
                client.request(method, path, body, headers)
                return client.getresponse().status
            except (OSError, http.client.HTTPException):
                continue
            finally:
                client.close()
        return 0


def read_the_mail(
    mails: Sequence[Path], url: str, customers: Sequence[Customer], pause: Callable[[float], None]
) -> Tally:
    """Every customer reads what arrived for them, after their own fashion; several customers at a time."""
    by_address = {address: customer for customer in customers for address in customer.addresses}
    arrived: dict[str, list[EmailMessage]] = defaultdict(list)
    for mail in mails:
        message = email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)
        customer = by_address.get(message["Delivered-To"] or "")
        if isinstance(message, EmailMessage) and customer is not None:
            arrived[customer.ref].append(message)

    def read_all(customer: Customer) -> Tally:
        return sum((_read(customer, _open_mail(one), url, pause) for one in arrived[customer.ref]), Tally())

    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        return sum(pool.map(read_all, customers), Tally())


def _open_mail(message: EmailMessage) -> Delivered:
    part = message.get_body(preferencelist=("html",))
    addresses = [unescape(found) for found in _ADDRESS.findall(part.get_content())] if part else []
    listed = re.search(r"<(https?://[^>]+)>", message["List-Unsubscribe"] or "")
    return Delivered(
        pixel=next((address for address in addresses if urlsplit(address).path.startswith("/o/")), None),
        links=tuple(address for address in addresses if urlsplit(address).path.startswith("/c/")),
        unsubscribe=listed.group(1) if listed else None,
    )


def _read(customer: Customer, mail: Delivered, url: str, pause: Callable[[float], None]) -> Tally:
    browser = Browser(url, _agent(customer), customer.number - 1000)
    opens = clicks = unsubscribed = 0
    if mail.pixel and customer.reader not in (Reader.NOBODY, Reader.SCANNER):
        pause(_THINKING_SECONDS)
        opens += browser.fetch(mail.pixel) == 200
    for link in _chosen(customer, mail.links):
        if customer.reader is not Reader.SCANNER:
            pause(_THINKING_SECONDS)
        clicks += browser.fetch(link) == 302
    if customer.reader is Reader.LEAVES and mail.unsubscribe:
        answered = browser.fetch(mail.unsubscribe, method="POST", body="List-Unsubscribe=One-Click")
        unsubscribed += answered in (200, 202, 204)
    return Tally(opens=opens, clicks=clicks, unsubscribed=unsubscribed)


def _agent(customer: Customer) -> str:
    proxies = {Reader.PRIVACY: _PRIVACY_PROXY, Reader.PROXY: _IMAGE_PROXY}
    return proxies.get(customer.reader, _AGENTS[customer.number % len(_AGENTS)])


def _chosen(customer: Customer, links: Sequence[str]) -> Iterator[str]:
    if customer.reader is Reader.SCANNER:
        yield from links
    elif customer.reader is Reader.CLICKS and links:
        yield links[0]
        if customer.number % 3 == 0 and len(links) > 1:
            yield links[-1]
