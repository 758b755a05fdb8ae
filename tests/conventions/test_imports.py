"""Import rules that import-linter cannot express; the contracts are in pyproject.toml."""

from __future__ import annotations

import graphlib
import subprocess
import sys
from pathlib import Path

from tests.conventions.sources import ROOT, sources

PURE_LIBRARIES = {"email_validator", "idna"}
IMPURE_STANDARD_LIBRARY = {"asyncio", "os", "pathlib", "socket", "subprocess", "threading", "time", "random", "secrets"}


def test_the_import_contracts_hold() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_mail_is_pure() -> None:
    """No await, no clock, no environment, no I/O: the standard library's pure part, two libraries, our errors."""
    for source in sources("gateway"):
        if not source.module.startswith("gateway.mail"):
            continue
        for name in source.imports():
            top = name.partition(".")[0]
            ours = name.startswith(("gateway.mail", "gateway.errors", "gateway.value")) or name == "gateway"
            standard = top in sys.stdlib_module_names and top not in IMPURE_STANDARD_LIBRARY
            assert ours or standard or top in PURE_LIBRARIES, f"{source.path} imports {name}"
        assert "await " not in source.text, source.path
        assert "datetime.now" not in source.text, source.path


def test_no_import_circle() -> None:
    """No module of `gateway` or `service` leads back to itself: imports at the top, within functions and under `if
    TYPE_CHECKING` alike. `strawberry.lazy` names a module in a string, which would hide one: it is not used."""
    modules = {source.module: source for source in sources("gateway", "service")}
    imported = {name: {one for one in source.imports() if one in modules} for name, source in modules.items()}
    # A cycle is an error of its own here, which names the modules in their order.
    assert set(graphlib.TopologicalSorter(imported).static_order()) == set(modules)
    assert [source.path for source in modules.values() if "strawberry.lazy" in source.text] == []


def test_importing_the_service_loads_nothing_of_the_worker() -> None:
    """A web process loads neither the delivery engine nor SMTP."""
    program = "import sys, service.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "gateway.outbox.enqueue" in loaded
    assert [name for name in loaded if name.startswith(("gateway.delivery", "gateway.smtp", "aiosmtplib"))] == []
