"""No call over the network while a transaction is open: a slow cluster must never hold rows, or all of SQLite."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.calls import CallGraph
from tests.architecture.sources import Source, dotted, product, snippet

TRANSACTIONS = {"atomic", "locked"}  # transaction.atomic and jobs.lifecycle.locked


def violations(graph: CallGraph) -> Iterator[str]:
    """Transactions that reach the network, with both places."""
    for source in graph.sources:
        for block, place in _transactions(source):
            for step in block:
                if found := graph.reaches_network(source, step):
                    yield f"{place} reaches {found}"


def _transactions(source: Source) -> Iterator[tuple[list[ast.stmt], str]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.With):
            opened = [item.context_expr for item in node.items]
        elif isinstance(node, ast.FunctionDef):
            opened = node.decorator_list
        else:
            continue
        if any(_opens(expression) for expression in opened):
            yield node.body, source.at(node)


def _opens(expression: ast.expr) -> bool:
    return bool(TRANSACTIONS & set(dotted(expression)[-1:]))


def test_no_transaction_reaches_the_network() -> None:
    assert not list(violations(CallGraph(product())))


@pytest.mark.parametrize(
    "code",
    [
        "with transaction.atomic():\n    cluster.submit(1)",
        "with lifecycle.locked(lease) as job:\n    if job:\n        store.head(path='x')",
        "@transaction.atomic\ndef f():\n    requests.get('http://x', timeout=1)",
        "def f():\n    g()\ndef g():\n    cluster.cancel(1)\nwith transaction.atomic():\n    f()",
    ],
)
def test_a_planted_call_is_caught(code: str) -> None:
    assert list(violations(CallGraph((snippet(code),))))


@pytest.mark.parametrize(
    "code",
    [
        "cluster.submit(1)\nwith transaction.atomic():\n    job.save()",
        "with transaction.atomic():\n    transaction.on_commit(lambda: app.send_task('x'))",
    ],
)
def test_a_call_before_or_after_is_left_alone(code: str) -> None:
    assert not list(violations(CallGraph((snippet(code),))))
