"""Which addresses are ours to take mail for: told by settings and keys alone, without a database."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Self

from gateway.compose.headers import COMPLAINTS
from gateway.deployment import Deployment
from gateway.mail.address import LONGEST_ADDRESS, with_a_labels
from gateway.mail.keys import Keyring
from gateway.mail.tracking import read_customer_address, read_reply_address, read_return_path

POSTMASTER = "postmaster"
"""Every domain that takes mail has it (RFC 5321 4.5.1)."""


class AddressKind(StrEnum):
    """What an address of ours is for."""

    RETURN_PATH = "RETURN_PATH"
    REPLY = "REPLY"
    MAILBOX = "MAILBOX"
    COMPLAINTS = "COMPLAINTS"
    POSTMASTER = "POSTMASTER"


class Rejection(StrEnum):
    """Why no mail is taken for an address."""

    FOREIGN_DOMAIN = "FOREIGN_DOMAIN"
    UNKNOWN_RECIPIENT = "UNKNOWN_RECIPIENT"


class Addresses:
    """The recipients of this deployment: under BOUNCE_DOMAIN and REPLY_DOMAIN, and nowhere else."""

    def __init__(
        self, *, keyring: Keyring, bounce_domain: str | None, reply_domain: str | None, mailboxes: Iterable[str]
    ) -> None:
        self._keyring = keyring
        self._bounce_domain = bounce_domain
        self._reply_domain = reply_domain
        self._mailboxes = frozenset(mailboxes)

    @classmethod
    def of(cls, deployment: Deployment) -> Self:
        """Returns the addresses of a deployment."""
        settings = deployment.settings
        return cls(
            keyring=deployment.keyring,
            bounce_domain=settings.bounce_domain,
            reply_domain=settings.reply_domain,
            mailboxes=settings.reply_mailboxes,
        )

    def accepts(self, address: str) -> AddressKind | Rejection:
        """Returns what `address` is for, or why no mail is taken for it.

        Case means nothing, neither does a quoted local part that needs no quotes (RFC 5321 4.1.2). `postmaster` may
        stand without a domain (4.1.1.3).
        """
        if len(address) > LONGEST_ADDRESS:
            return Rejection.UNKNOWN_RECIPIENT if self._is_ours(_domain(address[-LONGEST_ADDRESS:])) else _FOREIGN
        local, domain = _unquoted(address), _domain(address)
        if local == POSTMASTER and (not domain or self._is_ours(domain)):
            return AddressKind.POSTMASTER
        if not self._is_ours(domain):
            return _FOREIGN
        return self._kind(local, domain) or Rejection.UNKNOWN_RECIPIENT

    def _is_ours(self, domain: str) -> bool:
        return bool(domain) and domain in (self._bounce_domain, self._reply_domain)

    def _kind(self, local: str, domain: str) -> AddressKind | None:
        address = f"{local}@{domain}"
        if domain == self._bounce_domain:
            if local == COMPLAINTS:
                return AddressKind.COMPLAINTS
            if read_return_path(self._keyring, address) is not None:
                return AddressKind.RETURN_PATH
        if domain == self._reply_domain:
            if local in self._mailboxes:
                return AddressKind.MAILBOX
            if any(read(self._keyring, address) is not None for read in (read_reply_address, read_customer_address)):
                return AddressKind.REPLY
        return None


_FOREIGN = Rejection.FOREIGN_DOMAIN
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def _domain(address: str) -> str:
    """An address literal stays as it is, and is none of ours."""
    _, at, domain = with_a_labels(address).rpartition("@")
    return domain.lower().removesuffix(".") if at else ""


def _unquoted(address: str) -> str:
    local, at, domain = address.rpartition("@")
    local = (local if at else domain).strip()
    if len(local) >= 2 and local.startswith('"') and local.endswith('"'):
        local = _ESCAPED.sub(r"\1", local[1:-1])
    return local.lower()
