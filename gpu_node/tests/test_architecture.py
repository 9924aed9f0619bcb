"""The directions of the map in `gpu_node/__init__.py`, kept by reading the imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import gpu_node

ROOT = Path(gpu_node.__file__).parent

# Top to bottom; a module may import from lower layers and from its own only.
LAYERS = [
    {"__main__"},
    {"server"},
    {"app"},
    {"faults"},
    {"api", "auth"},
    {"problems", "links", "connections", "settings"},
    {"provision", "errands"},
    {"node"},
    {"outgoing", "admission", "checkpoints"},
    {"simulated", "trained"},
    {"book", "verdicts"},
    {"store", "queue", "agenda"},
    {"executor"},
    {"jobs"},
    {"provisioning", "orders"},
    {"spec", "clock", "gpus"},
]


def layer(name: str) -> int:
    return next(place for place, names in enumerate(LAYERS) if name in names)


def imports(path: Path) -> Iterator[str]:
    """Names of our own modules that a file imports, one level deep."""
    for entry in ast.walk(ast.parse(path.read_text())):
        if isinstance(entry, ast.ImportFrom) and entry.module and entry.module.startswith("gpu_node."):
            yield entry.module.split(".")[1]
        elif isinstance(entry, ast.ImportFrom) and entry.module == "gpu_node":
            yield from (alias.name for alias in entry.names if alias.name.islower())


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if own != "__init__":
        assert {name for name in imports(path) if layer(name) < layer(own)} == set()


def test_no_file_is_longer_than_400_lines() -> None:
    files = [*ROOT.rglob("*.py"), *Path(__file__).parent.glob("*.py")]
    assert [path.name for path in files if len(path.read_text().splitlines()) > 400] == []
