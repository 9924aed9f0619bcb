"""README's table of settings is complete, and names nothing that does not exist."""

import re

from lora_pipeline.devstack.places import ROOT

_READ = re.compile(r'\benv(?:ironment)?\.\w+\(\s*"([A-Z0-9_]+)"')
_ROW = re.compile(r"^\| (`[A-Z].*?) \|", re.MULTILINE)
_NAME = re.compile(r"`([A-Z0-9_]+)`")


def test_readme_names_each_environment_variable() -> None:
    read = set(_READ.findall((ROOT / "lora_pipeline" / "settings.py").read_text()))
    rows = _ROW.findall((ROOT / "README.md").read_text())
    assert {name for row in rows for name in _NAME.findall(row)} == read
