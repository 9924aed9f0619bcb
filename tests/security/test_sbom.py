"""The locks are hashed throughout, and the bill of materials says what is in them."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from bootstrap.locks import LOCKS
from lora_pipeline.devstack import sbom
from lora_pipeline.devstack.places import ROOT

COPYLEFT = re.compile(r"\bA?GPL", re.IGNORECASE)


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads(sbom.as_json(sbom.bill((ROOT / sbom.LOCK).read_text(), name="lora-pipeline")))


@pytest.mark.parametrize("lock", LOCKS.values())
def test_every_package_of_every_lock_is_pinned_by_hash(lock: str) -> None:
    text = (ROOT / lock).read_text()
    pinned = sbom.read(text)
    lines = [line for line in text.splitlines() if re.match(r"[a-zA-Z0-9-]", line)]
    assert len(pinned) == len(lines) > 0
    assert [package.name for package in pinned if not package.hashes] == []
    assert max(Counter((package.name, package.marker) for package in pinned).values()) == 1


def test_the_bill_follows_the_schema(document: Any) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None


def test_the_bill_is_the_lock(document: Any) -> None:
    pinned = {f"{package.name}=={package.version}" for package in sbom.read((ROOT / sbom.LOCK).read_text())}
    assert {f"{component['name']}=={component['version']}" for component in document["components"]} == pinned
    assert all(component["hashes"] for component in document["components"])
    assert all(component["purl"].startswith("pkg:pypi/") for component in document["components"])


def test_the_bill_says_who_needs_whom(document: Any) -> None:
    needs = {entry["ref"].partition("@")[0]: entry.get("dependsOn", []) for entry in document["dependencies"]}
    names = {name: {each.partition("@")[0].removeprefix("pkg:pypi/") for each in refs} for name, refs in needs.items()}
    asked_for = re.findall(r"^([a-z0-9-]+)", (ROOT / "requirements/app.in").read_text(), re.MULTILINE)
    assert names["lora-pipeline"] >= set(asked_for)
    assert {"asgiref", "sqlparse"} <= names["pkg:pypi/django"]


def test_licences_are_known_and_none_would_bind_the_product(document: Any) -> None:
    silent, binding = [], []
    for component in document["components"]:
        texts = [str(entry) for entry in component.get("licenses", [])]
        is_elsewhere = any(entry["name"] == "python:marker" for entry in component.get("properties", []))
        silent += [] if texts or is_elsewhere else [component["name"]]
        binding += [component["name"] for text in texts if COPYLEFT.search(text) and "LGPL" not in text]
    assert silent == []
    assert binding == []


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(f"left-pad==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:{'a' * 64}\n    # via -r app.in\n")
    assert sbom.main([str(lock)]) == 0
    (component,) = json.loads(capsys.readouterr().out)["components"]
    assert component["properties"] == [{"name": "python:marker", "value": "sys_platform == 'win32'"}]
    assert "licenses" not in component
