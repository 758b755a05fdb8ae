"""The settings in the deploy kit: all are ours, none is missing, none is a secret."""

from __future__ import annotations

import re

import pytest

import gateway.settings
import service.settings
from gateway.errors import SettingsError
from tests.deploy_kit import (
    DEPLOY,
    ENVIRONMENT,
    UNITS,
    compose,
    environment_file,
    image_environment,
    our_containers,
    unit,
    unit_environment,
)

FIELDS = gateway.settings.Settings.model_fields | service.settings.Settings.model_fields
SETTINGS = {name.upper() for name in FIELDS}
REQUIRED = {name.upper() for name, field in FIELDS.items() if field.is_required()}
OF_PYTHON_AND_PIP = {"PATH", "PYTHONDONTWRITEBYTECODE", "PIP_NO_CACHE_DIR", "PIP_DISABLE_PIP_VERSION_CHECK"}
SAMPLE = environment_file(ENVIRONMENT.read_text(encoding="utf-8"))
FILLED_IN = SAMPLE | {"SECRET_KEYS": "k1:" + "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw"}
"""As somebody who follows the sample's words writes it."""
SPARE_SECONDS = 10.0
"""A process that has drained ends a moment later, and its parent after it."""


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell's own settings do not count."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


def test_every_variable_of_the_kit_is_a_setting() -> None:
    found = set(SAMPLE) | set(image_environment())
    for path in UNITS:
        found |= set(unit_environment(path.read_text(encoding="utf-8")))
    for container in our_containers().values():
        found |= set(container.get("environment", ()))
    assert found - SETTINGS == OF_PYTHON_AND_PIP


def test_every_required_setting_stands_in_the_sample() -> None:
    assert REQUIRED - set(SAMPLE) == set()


def test_the_sample_once_filled_in_is_read_by_both_programs(no_settings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in FILLED_IN.items():
        monkeypatch.setenv(name, value)

    gateway_settings, service_settings = gateway.settings.read_settings(), service.settings.read_settings()

    assert [relay.name for relay in gateway_settings.relay_url] == ["main"]
    assert gateway_settings.default_from == "Fabrikam Installers <hello@example.com>"
    assert service_settings.database_url == gateway_settings.database_url


def test_the_sample_as_it_stands_starts_nothing_and_says_what_is_missing(
    no_settings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SAMPLE.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=r"^SECRET_KEYS"):
        gateway.settings.read_settings()


def test_systemd_docker_and_compose_read_the_sample_alike() -> None:
    for name, value in SAMPLE.items():
        assert not re.search(r"[\"'$\\%]| #", value), name
        assert value == value.strip(), name


def test_no_password_stands_in_the_kit() -> None:
    in_an_address = re.compile(r"^[^#\n]*://[^\s/@:]+:[^\s/@]+@", re.MULTILINE)
    with_a_password = [
        path.name
        for path in DEPLOY.rglob("*")
        if path.is_file() and in_an_address.search(path.read_text(encoding="utf-8"))
    ]
    assert with_a_password == []
    assert SAMPLE["SECRET_KEYS"] == ""
    for name, container in compose()["services"].items():
        plain = [key for key in container.get("environment", ()) if key.endswith(("PASSWORD", "KEYS", "TOKEN"))]
        assert plain == [], name


def test_a_stop_waits_for_the_drain() -> None:
    drain = float(SAMPLE["DRAIN_SECONDS"])
    for path in UNITS:
        settings = dict(unit(path.read_text(encoding="utf-8")))
        drains = 2 if "ExecReload" in settings else 1
        assert float(settings["TimeoutStopSec"]) >= drains * drain + SPARE_SECONDS, path.name
    for name, container in our_containers().items():
        assert float(container["stop_grace_period"].removesuffix("s")) >= drain + SPARE_SECONDS, name


def test_the_gateways_of_a_host_share_flight_recorders_and_keep_their_journal() -> None:
    gateways = [our_containers()[name] for name in ("gateway-1", "gateway-2")]
    for container in gateways:
        mounted = dict(volume.split(":") for volume in container["volumes"])
        assert mounted["recorder"] == container["environment"]["RECORDER_DIR"]
        assert mounted["journal"] == container["environment"]["JOURNAL_DIR"]
    assert compose()["volumes"]["recorder"]["driver_opts"]["type"] == "tmpfs"

    settings = unit((DEPLOY / "systemd" / "customer-emails-gateway.service").read_text(encoding="utf-8"))
    own = dict(settings)
    variables = dict(value.split("=", 1) for name, value in settings if name == "Environment")
    assert variables["RECORDER_DIR"] == f"/run/{own['RuntimeDirectory']}"
    assert own["RuntimeDirectoryPreserve"] == "yes", "else a stop removes what the next start settles"
    assert variables["JOURNAL_DIR"] == f"/var/lib/{own['StateDirectory']}"


def test_compose_trusts_its_proxy_alone() -> None:
    address = compose()["services"]["proxy"]["networks"]["front"]["ipv4_address"]
    for name in ("service-1", "service-2"):
        assert our_containers()[name]["environment"]["TRUSTED_PROXIES"] == f"{address}/32"
