"""The large mailbox providers by name: what logs say of a domain, since a domain of its own may name a person."""

from __future__ import annotations

OTHER = "other"

_DOMAINS = {
    "google": "gmail.com googlemail.com",
    "microsoft": (
        "outlook.com outlook.de outlook.fr outlook.es outlook.it outlook.jp hotmail.com hotmail.co.uk hotmail.de "
        "hotmail.fr hotmail.it hotmail.es live.com live.co.uk live.de live.fr live.it live.nl msn.com"
    ),
    "yahoo": (
        "yahoo.com yahoo.co.uk yahoo.ca yahoo.de yahoo.fr yahoo.es yahoo.it yahoo.com.br yahoo.co.in ymail.com "
        "rocketmail.com aol.com aim.com"
    ),
    "apple": "icloud.com me.com mac.com",
    "proton": "proton.me protonmail.com pm.me",
    "gmx": "gmx.com gmx.de gmx.net gmx.at gmx.ch",
    "web.de": "web.de",
    "t-online": "t-online.de",
    "freenet": "freenet.de",
    "orange": "orange.fr wanadoo.fr",
    "free": "free.fr",
    "libero": "libero.it",
    "btinternet": "btinternet.com",
    "comcast": "comcast.net",
    "verizon": "verizon.net",
    "att": "att.net sbcglobal.net bellsouth.net",
}
_PROVIDERS = {domain: name for name, domains in _DOMAINS.items() for domain in domains.split()}


def provider_of(domain: str) -> str:
    """Returns the provider whose domain this is, as `google` for `gmail.com`; `other` for every other domain."""
    return _PROVIDERS.get(domain, OTHER)
