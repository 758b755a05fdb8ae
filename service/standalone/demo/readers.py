"""The customers read their mail: real requests to the pixel, the links and the unsubscribe address.

People, a mail privacy proxy, an image proxy and a link scanner, each from an address of its own where the machine has
more than one loopback address (Linux), so that people and machines can be told apart in the lists.
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

from service.standalone.demo.customers import Customer, Reader

_AGENTS = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
    "Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
)
_PRIVACY_PROXY = "Mozilla/5.0"
_IMAGE_PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
_ADDRESS = re.compile(r"(?:href|src)=\"([^\"]+)\"")
_PAUSE_SECONDS = 1.5
"""Between two requests of one person: faster ones are classified as a machine's."""
_CONCURRENT_READERS = 8
"""Enough to finish soon, few enough to be no load test."""
_TIMEOUT = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """The addresses of the service in one mail; None or empty where it has none."""

    pixel: str | None
    links: tuple[str, ...]
    unsubscribe: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadCounts:
    """How many requests the service accepted, by kind."""

    opens: int = 0
    clicks: int = 0
    unsubscribed: int = 0

    def __add__(self, other: ReadCounts) -> ReadCounts:
        return ReadCounts(
            opens=self.opens + other.opens,
            clicks=self.clicks + other.clicks,
            unsubscribed=self.unsubscribed + other.unsubscribed,
        )


class Browser:
    """Sends requests as one reader: a user agent and, where the system has more than one, a loopback address."""

    def __init__(self, url: str, agent: str, number: int) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._agent = agent
        self._source = (f"127.1.{number // 250}.{number % 250 + 1}", 0)

    def fetch(self, address: str, *, method: str = "GET", body: str | None = None) -> int:
        """Returns the HTTP status; 0 without a response."""
        parts = urlsplit(address)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        # Where every reader connects from 127.0.0.1, the service trusts this header, as from a proxy.
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
) -> ReadCounts:
    """Read each mail the way its customer does, several customers concurrently. `pause` sleeps."""
    by_address = {address: customer for customer in customers for address in customer.addresses}
    arrived: dict[str, list[EmailMessage]] = defaultdict(list)
    for mail in mails:
        message = email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)
        customer = by_address.get(message["Delivered-To"] or "")
        if isinstance(message, EmailMessage) and customer is not None:
            arrived[customer.ref].append(message)

    def read_all(customer: Customer) -> ReadCounts:
        return sum((_read(customer, _addresses_of(one), url, pause) for one in arrived[customer.ref]), ReadCounts())

    with ThreadPoolExecutor(_CONCURRENT_READERS) as pool:
        return sum(pool.map(read_all, customers), ReadCounts())


def _addresses_of(message: EmailMessage) -> Addresses:
    part = message.get_body(preferencelist=("html",))
    addresses = [unescape(found) for found in _ADDRESS.findall(part.get_content())] if part else []
    listed = re.search(r"<(https?://[^>]+)>", message["List-Unsubscribe"] or "")
    return Addresses(
        pixel=next((address for address in addresses if urlsplit(address).path.startswith("/o/")), None),
        links=tuple(address for address in addresses if urlsplit(address).path.startswith("/c/")),
        unsubscribe=listed.group(1) if listed else None,
    )


def _read(customer: Customer, mail: Addresses, url: str, pause: Callable[[float], None]) -> ReadCounts:
    browser = Browser(url, _agent(customer), customer.number - 1000)
    opens = clicks = unsubscribed = 0
    if mail.pixel and customer.reader not in (Reader.NOBODY, Reader.SCANNER):
        pause(_PAUSE_SECONDS)
        opens += browser.fetch(mail.pixel) == 200
    for link in _links_followed(customer, mail.links):
        if customer.reader is not Reader.SCANNER:
            pause(_PAUSE_SECONDS)
        clicks += browser.fetch(link) == 302
    if customer.reader is Reader.LEAVES and mail.unsubscribe:
        status = browser.fetch(mail.unsubscribe, method="POST", body="List-Unsubscribe=One-Click")
        unsubscribed += status in (200, 202, 204)
    return ReadCounts(opens=opens, clicks=clicks, unsubscribed=unsubscribed)


def _agent(customer: Customer) -> str:
    proxies = {Reader.PRIVACY: _PRIVACY_PROXY, Reader.PROXY: _IMAGE_PROXY}
    return proxies.get(customer.reader, _AGENTS[customer.number % len(_AGENTS)])


def _links_followed(customer: Customer, links: Sequence[str]) -> Iterator[str]:
    if customer.reader is Reader.SCANNER:
        yield from links
    elif customer.reader is Reader.CLICKS and links:
        yield links[0]
        if customer.number % 3 == 0 and len(links) > 1:
            yield links[-1]
