"""The backup's settings and units name what is there. Integration tests archive, copy and restore with it."""

from __future__ import annotations

import os
import re

from tests.conventions.sources import ROOT
from tests.deploy_kit import BACKUP, BACKUP_UNITS, unit

INSTALLED = re.compile(r"/opt/customer-emails/(\S+)")


def test_what_settings_and_units_start_is_there_and_may_be_started() -> None:
    settings = (BACKUP / "archiving.conf").read_text(encoding="utf-8")
    started = re.findall(r"^archive_command = '(\S+)", settings, re.MULTILINE)
    started += [
        value.split()[0] for path in BACKUP_UNITS for name, value in unit(path.read_text()) if name == "ExecStart"
    ]
    assert len(started) == 2
    for command in started:
        found = INSTALLED.fullmatch(command)
        assert found is not None
        assert os.access(ROOT / found[1], os.X_OK), command


def test_the_timer_starts_the_unit_of_its_name() -> None:
    assert {path.suffix for path in BACKUP_UNITS} == {".service", ".timer"}
    assert len({path.stem for path in BACKUP_UNITS}) == 1


def test_the_copy_and_its_log_are_for_postgresql_alone() -> None:
    [service] = [path for path in BACKUP_UNITS if path.suffix == ".service"]
    settings = unit(service.read_text(encoding="utf-8"))
    for one in (("User", "postgres"), ("UMask", "0077"), ("ProtectSystem", "strict"), ("ReadWritePaths", "/backup")):
        assert one in settings
