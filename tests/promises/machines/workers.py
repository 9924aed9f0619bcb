"""Workers that die, pause or are overtaken at a chosen query or cluster call. One thread, no sleeps.

A command runs inside `Workers.working`. At its n-th query, or before or after its n-th call of the cluster, it can

    die      nothing of it runs any more, not even what stands in `finally`; its open transaction is rolled back
    pause    the clock moves on
    yield    another worker runs a whole command, then this one goes on

The last two happen between transactions alone, where other processes can come in between on every database.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection

from tests.promises.machines.faults import Answer


class Died(BaseException):
    """A worker was killed. No `except Exception` of ours may catch it."""


@dataclass(frozen=True)
class Interrupt:
    """`at`: query, before or after (a cluster call). `then`: die, or what to do meanwhile."""

    at: str
    number: int
    then: Callable[[], object] | None = None  # None: die


@dataclass
class _Worker:
    interrupt: Interrupt | None
    depth: int
    queries: int = 0
    calls: int = 0
    is_dead: bool = False


class Workers:
    """The stack of commands that are running, the innermost last."""

    def __init__(self) -> None:
        self._running: list[_Worker] = []
        self.deaths = 0
        self.interrupted = 0

    @contextmanager
    def working(self, interrupt: Interrupt | None = None) -> Iterator[None]:
        """A block that is one command of one worker. It ends quietly when the worker dies."""
        worker = _Worker(interrupt, len(connection.savepoint_ids))
        self._running.append(worker)
        try:
            with connection.execute_wrapper(self._query) if len(self._running) == 1 else _nothing():
                yield
        except Died:
            self.deaths += 1
            # A save() of its own has no savepoint here, where all is one transaction; its one statement never ran.
            connection.set_rollback(False)
        finally:
            self._running.pop()

    def call(self, answer: Callable[[], Answer]) -> Answer:
        """One call of the cluster by the worker that is running."""
        if not self._running:
            return answer()
        worker = self._running[-1]
        assert not worker.is_dead, "a dead worker called the cluster"
        assert len(connection.savepoint_ids) == worker.depth, "the cluster was called inside a transaction"
        worker.calls += 1
        self._meet(worker, "before", worker.calls)
        answered = answer()
        self._meet(worker, "after", worker.calls)
        return answered

    def _query(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        worker = self._running[-1]
        commits, rolls_back = sql.startswith("RELEASE SAVEPOINT"), sql.startswith("ROLLBACK TO SAVEPOINT")
        if rolls_back or (worker.is_dead and commits):
            return execute(sql, params, many, context)
        if worker.is_dead:
            raise Died
        worker.queries += 1
        interrupt = worker.interrupt
        if interrupt is not None and interrupt.at == "query" and worker.queries >= interrupt.number:
            if interrupt.then is None and commits:
                # It dies before its transaction is committed; Django would leave that open.
                execute(sql.replace("RELEASE", "ROLLBACK TO", 1), params, many, context)
            if interrupt.then is None or (len(connection.savepoint_ids) == worker.depth and not commits):
                self._meet(worker, "query", interrupt.number)
        return execute(sql, params, many, context)

    def _meet(self, worker: _Worker, where: str, number: int) -> None:
        interrupt = worker.interrupt
        if interrupt is None or (interrupt.at, interrupt.number) != (where, number):
            return
        worker.interrupt = None
        self.interrupted += 1
        if interrupt.then is None:
            worker.is_dead = True
            raise Died
        interrupt.then()


@contextmanager
def _nothing() -> Iterator[None]:
    yield
