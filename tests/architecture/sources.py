"""The product's source files, parsed once."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("accounts", "datasets", "jobs", "lora_pipeline", "notifications", "tenancy")


@dataclass(frozen=True)
class Source:
    """One Python file. `name` is its module's dotted name."""

    path: Path
    name: str
    tree: ast.Module

    def at(self, node: ast.AST) -> str:
        return f"{self.path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


@cache
def product() -> tuple[Source, ...]:
    """Every module of the control plane but for migrations, which are history."""
    paths = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return tuple(parsed(path) for path in paths if "migrations" not in path.parts)


def parsed(path: Path) -> Source:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    return Source(path, name, ast.parse(path.read_text(encoding="utf-8")))


def snippet(code: str) -> Source:
    """A piece of code as if it were a file of jobs: what a test plants to see that it is caught."""
    return Source(ROOT / "jobs" / "planted.py", "jobs.planted", ast.parse(code))


def dotted(node: ast.expr) -> list[str]:
    """The names of a chain such as cluster.jobs().find: ["cluster", "jobs", "find"]."""
    match node:
        case ast.Name():
            return [node.id]
        case ast.Attribute():
            return [*dotted(node.value), node.attr]
        case ast.Call():
            return dotted(node.func)
        case ast.Subscript():
            return dotted(node.value)
        case _:
            return []


def now_executed(node: ast.AST) -> Iterator[ast.AST]:
    """`node` and all within it that runs with it: not the bodies of lambdas and inner functions."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from now_executed(child)
