"""Plants the faults of this run, as many at once as there are cores, and tells at the end what caught them."""

import os
import queue
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Semaphore

import pytest

from lora_pipeline.devstack import postgres, steps
from tests.planted.copies import Copy, Verdict
from tests.planted.fault import Fault

Verdicts = Callable[[Fault], Verdict]
TABLE = pytest.StashKey[list[tuple[Fault, float]]]()


class Field:
    """Where faults are planted: a copy of the tree per core, and databases."""

    def __init__(self, copies: list[Copy], postgres_url: str) -> None:
        self._free: queue.Queue[Copy] = queue.Queue()
        for copy in copies:
            self._free.put(copy)
        environment = steps.clean_environment()
        self._environments = {"sqlite": environment, "postgresql": {**environment, "DATABASE_URL": postgres_url}}
        # On PostgreSQL all runs share the name of their database, SQLite's have one each.
        self._turns = {"sqlite": Semaphore(len(copies)), "postgresql": Semaphore()}

    def healthy(self, proofs: tuple[str, ...], database: str) -> Verdict:
        """How the proofs end without any fault."""
        with self._turns[database], self._copy() as copy:
            return copy.run(proofs, self._environments[database])

    def planted(self, fault: Fault) -> Verdict:
        """How the fault's proofs end with it in place."""
        with self._turns[fault.database], self._copy() as copy:
            return copy.run_with(fault, self._environments[fault.database])

    @contextmanager
    def _copy(self) -> Iterator[Copy]:
        copy = self._free.get()
        try:
            yield copy
        finally:
            self._free.put(copy)


@pytest.fixture(scope="session")
def verdicts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verdicts]:
    """`verdicts(fault)` is how its proofs ended; all faults of this run are begun at once."""
    faults = [fault for item in request.session.items if (fault := _fault_of(item)) is not None]
    cores = os.cpu_count() or 1
    with ExitStack() as stack:
        needs_postgres = any(fault.database == "postgresql" for fault in faults)
        postgres_url = stack.enter_context(postgres.running()) if needs_postgres else ""
        field = Field([Copy(tmp_path_factory.mktemp("planted")) for _ in range(cores)], postgres_url)
        pool = stack.enter_context(ThreadPoolExecutor(2 * cores))
        for verdict in [pool.submit(field.healthy, *share) for share in _shares(faults, cores)]:
            if problem := verdict.result().problem:
                pytest.fail(f"Without any fault in place:\n{problem}", pytrace=False)
        pending: dict[str, Future[Verdict]] = {fault.name: pool.submit(field.planted, fault) for fault in faults}
        stack.callback(pool.shutdown, cancel_futures=True)
        yield lambda fault: pending[fault.name].result()


def _shares(faults: list[Fault], cores: int) -> Iterator[tuple[tuple[str, ...], str]]:
    """All proofs, those on SQLite in as many parts as there are cores; each with its database."""
    for database, parts in (("sqlite", cores), ("postgresql", 1)):
        proofs = sorted({proof for fault in faults if fault.database == database for proof in fault.proofs})
        for start in range(parts):
            if share := tuple(proofs[start::parts]):
                yield share, database


def _fault_of(item: pytest.Item) -> Fault | None:
    """The fault that a selected test is about to plant."""
    if item.get_closest_marker("planted") is None or not isinstance(item, pytest.Function):
        return None
    fault = item.callspec.params.get("fault")
    return fault if isinstance(fault, Fault) else None


@pytest.fixture
def caught(request: pytest.FixtureRequest) -> Callable[[Fault, Verdict], None]:
    """`caught(fault, verdict)` adds a line to the table at the end of the run."""
    table = request.config.stash.setdefault(TABLE, [])
    return lambda fault, verdict: table.append((fault, verdict.seconds))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """fault - promise - caught by - seconds"""
    table = config.stash.get(TABLE, [])
    if table:
        terminalreporter.section("planted faults that were caught")
    for fault, seconds in sorted(table, key=lambda row: int(row[0].promise[1:])):
        by = ", ".join(proof.rpartition("/")[2] for proof in fault.proofs)
        terminalreporter.write_line(f"{fault.promise:<4} {seconds:5.1f} s  {fault.name} - {by}")
