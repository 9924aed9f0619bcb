"""Imports of parts of Django that some modules must not know; whole packages are import-linter's matter."""

import ast
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.architecture.sources import ROOT, Source, product, snippet

# Contract in pyproject.toml -> what its source modules must not import either.
FORBIDDEN = {
    "Domain modules know neither Celery nor DRF": ("django.http", "django.shortcuts"),
    "Adapters never see rows": ("django.db",),
    "Pure modules have no rows, clock or network": ("django.db", "django.utils.timezone", "time"),
}


def contracts() -> dict[str, list[str]]:
    """Source modules of each import contract."""
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    return {contract["name"]: contract.get("source_modules", []) for contract in settings["contracts"]}


def imported(source: Source) -> Iterator[tuple[str, ast.AST]]:
    """Dotted names that a module imports: modules, and names from modules."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)


def violations(source: Source, forbidden: tuple[str, ...]) -> list[str]:
    return [
        f"{source.at(node)} imports {name}"
        for name, node in imported(source)
        if any(f"{name}.".startswith(f"{module}.") for module in forbidden)
    ]


@pytest.mark.parametrize("contract", FORBIDDEN)
def test_modules_stay_on_their_side(contract: str) -> None:
    modules = contracts()[contract]
    concerned = [s for s in product() if any(f"{s.name}.".startswith(f"{module}.") for module in modules)]
    assert concerned
    assert not [found for source in concerned for found in violations(source, FORBIDDEN[contract])]


@pytest.mark.parametrize(
    "code",
    [
        "from django.http import Http404",
        "import django.http",
        "from django import http",
        "from django.http.request import QueryDict",
    ],
)
def test_a_planted_import_is_caught(code: str) -> None:
    assert violations(snippet(code), ("django.http",))
