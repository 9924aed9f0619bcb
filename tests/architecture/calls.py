"""Who calls whom in the product, as far as names tell: enough to find a network call behind a function."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import Source, dotted, now_executed

# Objects whose methods go over the wire, and functions that do.
REMOTE_OBJECTS = {"cluster", "store", "session", "requests", "boto3", "client", "broker"}
REMOTE_FUNCTIONS = {"urlopen", "send_task", "apply_async", "delay"}


def is_remote(call: ast.Call) -> bool:
    """Whether the call's own words say that it goes over the network."""
    names = dotted(call.func)
    return bool(names) and (bool(REMOTE_OBJECTS & set(names[:-1])) or names[-1] in REMOTE_FUNCTIONS)


class CallGraph:
    """Functions by dotted name, and what each calls in the same or another module of the product."""

    def __init__(self, sources: tuple[Source, ...]) -> None:
        self.sources = sources
        self.functions = {
            f"{source.name}.{node.name}": (source, node)
            for source in sources
            for node in source.tree.body
            if isinstance(node, ast.FunctionDef)
        }
        self.imports = {source.name: dict(_imports(source)) for source in sources}

    def reaches_network(self, source: Source, node: ast.AST) -> str | None:
        """The place of a network call that running `node` may make, or None."""
        return self._search(source, node, set())

    def _search(self, source: Source, node: ast.AST, seen: set[str]) -> str | None:
        for inner in now_executed(node):
            if not isinstance(inner, ast.Call):
                continue
            if is_remote(inner):
                return source.at(inner)
            name = self._resolved(source, dotted(inner.func))
            if name in self.functions and name not in seen:
                seen.add(name)
                where, function = self.functions[name]
                if any(found := [p for p in (self._search(where, step, seen) for step in function.body) if p]):
                    return found[0]
        return None

    def _resolved(self, source: Source, names: list[str]) -> str:
        if not names:
            return ""
        first = self.imports[source.name].get(names[0], f"{source.name}.{names[0]}")
        return ".".join([first, *names[1:]])


def _imports(source: Source) -> Iterator[tuple[str, str]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name, alias.name
