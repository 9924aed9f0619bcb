"""What the house forbids and no linter here checks."""

import ast
from pathlib import Path

from tests.architecture.sources import ROOT, Source, dotted, product

MAX_LINES = 400
WRITTEN = {".py", ".js", ".css", ".html"}
FOLDERS = (
    *("accounts", "benchmarks", "bin", "bootstrap", "datasets", "gpu_node", "jobs", "lora_pipeline"),
    *("notifications", "static", "templates", "tenancy", "tests", "trainer"),
)
LAZY_NAMES = {"utils", "helpers", "common", "misc", "util", "helper"}


def written_files() -> list[Path]:
    files = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in WRITTEN)
    return [path for path in files if not {"migrations", ".venv", "build", "__pycache__"} & set(path.parts)]


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in written_files()}
    assert not {path: lines for path, lines in lengths.items() if lines > MAX_LINES}


def test_no_file_is_named_for_having_no_place() -> None:
    assert not [path for path in written_files() if path.stem in LAZY_NAMES or path.parent.name in LAZY_NAMES]


def test_imports_stand_at_the_top() -> None:
    """An import inside a function would go round the import contracts.

    AppConfig.ready and scripts that have to call django.setup() before they see models cannot do otherwise.
    """
    found = [
        source.at(inner)
        for source in product()
        if not _sets_django_up(source)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
        and not (node.name == "ready" and source.path.name == "apps.py")
    ]
    assert not found


def _sets_django_up(source: Source) -> bool:
    calls = (node for node in ast.walk(source.tree) if isinstance(node, ast.Call))
    return any(dotted(call.func) == ["django", "setup"] for call in calls)


def test_no_django_signals_hold_things_together() -> None:
    found = [
        source.at(node)
        for source in product()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and _is_signals_of_django(node.module or "")
    ]
    assert not found


def _is_signals_of_django(module: str) -> bool:
    return module.startswith("django.") and module.endswith((".signals", ".dispatch"))


def test_every_module_says_what_it_is() -> None:
    """A docstring draws the map; only what is a list of names (URLs, an app's name) may go without."""
    plain = {"__init__.py", "apps.py", "urls.py"}
    assert not [
        source.name for source in product() if source.path.name not in plain and not ast.get_docstring(source.tree)
    ]
