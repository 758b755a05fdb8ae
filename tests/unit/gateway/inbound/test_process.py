"""What `python -m gateway --inbound` needs, and what it says where that is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.inbound import process
from gateway.settings import Settings, read_settings
from tests.builders import SECRET_KEYS


def settings(**changes: object) -> Settings:
    return read_settings(
        **{
            "database_url": "postgresql://nowhere/mail",
            "public_url": "https://mail.example",
            "default_from": "hello@fabrikam.example",
            "relay_url": "smtp://127.0.0.1:1",
            "secret_keys": SECRET_KEYS,
            "bounce_domain": "bounce.fabrikam.example",
            "inbound_smtp": 0,
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bounce_domain": None}, "BOUNCE_DOMAIN=bounce.fabrikam.com"),
        ({"inbound_smtp": None}, "INBOUND_SMTP=2525"),
        ({"inbound_tls_key": "/keys/mx.key"}, "set both, or neither"),
        ({"inbound_tls_certificate": "/keys/mx.pem"}, "set both, or neither"),
    ],
)
def test_what_is_missing_is_named_in_one_sentence(changes: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as error:
        process.check(settings(**changes))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [{}, {"bounce_domain": None, "reply_domain": "reply.fabrikam.example"}, {"inbound_smtp": None, "inbound_lmtp": 0}],
)
def test_one_domain_and_one_port_are_enough(changes: dict[str, object]) -> None:
    process.check(settings(**changes))


async def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "mx.pem"
    broken.write_text("no certificate")
    for path in (str(broken), str(tmp_path / "missing.pem")):
        with pytest.raises(SettingsError, match="INBOUND_TLS_CERTIFICATE"):
            await process.listen(settings(inbound_tls_certificate=path, inbound_tls_key=path))
