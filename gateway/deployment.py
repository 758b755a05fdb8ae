"""What the gateway's functions need besides a connection: settings, keys, and how addresses are keyed."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.mail.address import address_key
from gateway.mail.keys import Keyring
from gateway.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """One process's settings and keys. Cheap to share: it holds no connection."""

    settings: Settings
    keyring: Keyring

    @classmethod
    def open(cls, settings: Settings) -> Deployment:
        """Returns the deployment of `settings`, its keys derived."""
        return cls(settings=settings, keyring=Keyring(settings.secret_keys))

    def key_of(self, address: str) -> bytes:
        """Returns the 32 bytes by which suppressions and opt-outs know this address."""
        return address_key(address, self.keyring.address_key)

    @property
    def relay_names(self) -> frozenset[str]:
        """The relays this process may hand mail to."""
        return frozenset(relay.name for relay in self.settings.relay_url)
