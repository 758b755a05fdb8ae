"""The service's settings, and the errors that name them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.settings import examples
from service.graph.persisted import read_allow_list
from service.settings import EXAMPLES, Settings, read_settings

RIGHT = {"database_url": "postgresql://mail@db/mail", "public_url": "https://mail.example.com"}


def read(**values: object) -> Settings:
    return read_settings(**{**RIGHT, **values})


def test_defaults_are_safe() -> None:
    settings = read()
    assert settings.host == "127.0.0.1"
    assert settings.secure
    assert not settings.graphiql
    assert settings.frame_ancestors == ()
    assert not read(public_url="http://127.0.0.1:8000").secure


def test_frame_ancestors_are_origins() -> None:
    settings = read(frame_ancestors="https://crm.example.com, http://localhost:3000/")
    assert settings.frame_ancestors == ("https://crm.example.com", "http://localhost:3000")


def test_proxies_are_addresses_and_networks() -> None:
    assert read(trusted_proxies="10.0.0.0/8, 2001:db8::1").trusted_proxies == ("10.0.0.0/8", "2001:db8::1/128")
    assert read(trusted_proxies="").trusted_proxies == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("frame_ancestors", "crm.example.com"),
        ("frame_ancestors", "https://crm.example.com/page"),
        ("frame_ancestors", "*"),
        ("frame_ancestors", "https://crm.example.com; script-src *"),
        ("trusted_proxies", "*"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("database_url", "mysql://db"),
        ("public_url", "https://mail.example.com/path"),
        ("port", "70000"),
        ("workers", "0"),
        ("max_depth", "1"),
        ("pool_wait_seconds", "-1"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(**{name: value})
    assert str(caught.value).startswith(name.upper())
    assert f"For example: {name.upper()}=" in str(caught.value)


@pytest.mark.parametrize(("name", "value"), examples(Settings, EXAMPLES).items())
def test_every_setting_has_a_valid_example(name: str, value: str) -> None:
    read(**{name.lower(): value})
    assert value not in ("", "None")


def test_a_secret_in_a_url_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        read(database_url="mysql://mail:hunter2@db/mail")
    assert "hunter2" not in str(caught.value)


def test_an_allow_list_is_read_or_its_error_named(tmp_path: Path) -> None:
    path = tmp_path / "operations.json"
    document = "{ __typename }"
    right = {hashlib.sha256(document.encode()).hexdigest(): document}
    path.write_text(json.dumps(right))
    assert read_allow_list(path) == right
    for wrong in ("", "[]", '{"a": 1}', json.dumps({"0" * 64: document})):
        path.write_text(wrong)
        with pytest.raises(SettingsError, match="PERSISTED_OPERATIONS"):
            read_allow_list(path)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_allow_list(tmp_path / "nowhere.json")
