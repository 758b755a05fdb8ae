"""The page's modules without a browser: Playwright's wheel brings a Node, which runs the files of `page`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import playwright
import pytest

NODE = Path(playwright.__file__).parent / "driver" / "node"
SCRIPTS = sorted((Path(__file__).parent / "page").glob("*.test.js"))
# The page's files are modules without a package.json, which Node finds worth a warning.
OPTIONS = ("--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", "--test-reporter=spec")


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.name.removesuffix(".test.js") for script in SCRIPTS])
def test_of_the_page(script: Path) -> None:
    if not NODE.is_file():
        pytest.skip("this Playwright brings no Node: the page's modules are tested in a browser only")
    done = subprocess.run([NODE, *OPTIONS, script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ℹ pass" in done.stdout
    assert "ℹ pass 0" not in done.stdout, "a file without a test"
