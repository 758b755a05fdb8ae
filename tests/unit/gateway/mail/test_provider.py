"""What logs say of a domain: a large provider's name, or `other`."""

from __future__ import annotations

import pytest

from gateway.mail.provider import OTHER, provider_of


@pytest.mark.parametrize(
    ("domain", "provider"),
    [
        ("gmail.com", "google"),
        ("hotmail.co.uk", "microsoft"),
        ("aol.com", "yahoo"),
        ("icloud.com", "apple"),
        ("web.de", "web.de"),
        ("ann-smith.example", OTHER),
        ("gmail.com.example", OTHER),
        ("", OTHER),
    ],
)
def test_a_large_provider_has_a_name_and_every_other_domain_has_none(domain: str, provider: str) -> None:
    assert provider_of(domain) == provider
