"""The vendored editor is the file that its script made: a change of one is a change of both."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

VENDORED = Path(__file__).resolve().parents[3] / "service" / "page" / "vendor" / "codemirror"


def test_the_bundle_is_the_one_that_its_readme_names() -> None:
    made = hashlib.sha256((VENDORED / "codemirror.js").read_bytes()).hexdigest()
    assert made in (VENDORED / "build" / "README.md").read_text()


def test_every_package_has_an_exact_version_and_its_licence_stands_beside_the_bundle() -> None:
    package = json.loads((VENDORED / "build" / "package.json").read_text())
    licences = (VENDORED / "LICENSE").read_text()
    for name, version in package["dependencies"].items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert f"---- {name} {version} ----" in licences
    assert package["dependencies"]["@codemirror/state"] in (VENDORED / "VERSION").read_text()
