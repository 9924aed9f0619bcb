"""The node's decisions, with time in the test's hand and no network."""

from pathlib import Path

import pytest

from fakes import HandClock, PretendNetwork
from gpu_node.admission import CheckpointGone
from gpu_node.book import UnknownJob
from gpu_node.executor import ProducedFile
from gpu_node.jobs import Job, Phase, Status
from gpu_node.node import KeyReused, Node
from gpu_node.queue import GpuQueue
from gpu_node.simulated.executor import SimulatedExecutor
from gpu_node.simulated.mishaps import Mishap, MishapKind
from gpu_node.spec import Dataset, InvalidOrder, JobSpec, ResumeFrom
from gpu_node.store import Store


class Bench:
    """A node on a bench: hand clock, pretended network, real store, queue and executor."""

    def __init__(
        self, state: Path, *, gpus: int = 2, arrives: bool = True, clock: HandClock | None = None
    ) -> None:
        self.clock = clock or HandClock()
        self.store = Store(state / "node.sqlite3")
        self.executor = SimulatedExecutor(self.store, 1.0)
        self.network = PretendNetwork(arrives=arrives)
        self.node = Node(
            store=self.store,
            executor=self.executor,
            queue=GpuQueue({"H100": gpus}),
            errands=self.network,
            clock=self.clock,
        )
        self.network.node = self.node

    def submit(self, job_id: str = "job-1", **changes: object) -> str:
        fields: dict[str, object] = {
            "job_id": job_id,
            "attempt": 1,
            "base_model": "SmolLM2-135M",
            "hyperparameters": {"batch_size": 4, "epochs": 3},
            "gpu_type": "H100",
            "gpu_count": 1,
            "dataset": Dataset("http://storage/data", "ab" * 32, 120_000),
        }
        return self.node.submit(JobSpec(**(fields | changes)), None).external_id  # type: ignore[arg-type]

    def pass_time(self, seconds: float) -> None:
        """Moves the clock and rings the alarm as often as it is due on the way."""
        end = self.clock.moment + seconds
        while (due := self.node.agenda.next_due()) is not None and due <= end:
            self.clock.moment = max(self.clock.moment, due)
            self.node.tick()
        self.clock.moment = end

    def job(self, external_id: str) -> Job:
        return self.node.get(external_id)

    def billed(self, external_id: str) -> float:
        return self.job(external_id).billable_seconds(self.clock.now())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_job_starts_at_once_when_its_gpus_are_free(bench: Bench) -> None:
    external_id = bench.submit()
    assert bench.job(external_id).status is Status.RUNNING
    assert bench.job(external_id).phase is Phase.RUNNING
    assert [state for _, state, _ in bench.network.told] == ["queued", "running"]


def test_a_big_job_at_the_head_of_the_line_is_not_overtaken(bench: Bench) -> None:
    first, big, small = bench.submit("a"), bench.submit("b", gpu_count=2), bench.submit("c")
    assert [bench.job(each).status for each in (first, big, small)] == ["running", "queued", "queued"]
    bench.node.cancel(big, reason="bob changed his mind", keep_adapter=False)
    assert bench.job(big).status is Status.CANCELLED
    assert bench.job(small).status is Status.RUNNING


def test_a_waiting_job_gets_the_gpus_the_moment_another_gives_them_back(bench: Bench) -> None:
    first, second = bench.submit("a", gpu_count=2), bench.submit("b", gpu_count=2)
    bench.pass_time(3600)
    first_job, second_job = bench.job(first), bench.job(second)
    assert first_job.status is second_job.status is Status.COMPLETED
    assert second_job.started_at == first_job.released_at


def test_waiting_costs_nothing_and_uploading_costs_nothing(bench: Bench) -> None:
    upload = {"callback_url": "http://plane/cb", "callback_token": "t"}
    first = bench.submit("a", gpu_count=2, **upload)
    second = bench.submit("b", gpu_count=2)
    assert bench.billed(second) == 0
    bench.pass_time(3600)
    job = bench.job(first)
    assert job.phase is Phase.DELIVERING
    assert job.status is Status.RUNNING
    assert job.released_at is not None
    billed = bench.billed(first)
    bench.pass_time(600)
    bench.node.delivered(first, uploaded=True)
    assert bench.job(first).status is Status.COMPLETED
    assert bench.job(first).ended_at == bench.clock.now()
    assert bench.billed(first) == billed


def test_billing_stops_when_the_run_ended_not_when_somebody_looked(bench: Bench) -> None:
    external_id = bench.submit()
    sight = bench.node.sight(bench.job(external_id), bench.clock.now())
    assert sight is not None
    ends = sight.changes_at
    bench.clock.moment += 100_000
    bench.node.tick()
    assert bench.job(external_id).released_at == ends


def test_the_dead_mans_switch_ends_a_run(bench: Bench) -> None:
    external_id = bench.submit(max_runtime_s=20.0)
    bench.pass_time(60)
    job = bench.job(external_id)
    assert job.status is Status.FAILED
    assert job.verdict is not None
    assert job.verdict.error_code == "max_runtime"
    assert bench.billed(external_id) == 20.0


def test_the_dead_mans_switch_ends_a_fetch_that_never_ends(tmp_path: Path) -> None:
    bench = Bench(tmp_path, arrives=False)
    external_id = bench.submit(max_runtime_s=20.0)
    assert bench.job(external_id).phase is Phase.PREPARING
    bench.pass_time(60)
    assert bench.job(external_id).status is Status.FAILED
    assert bench.billed(external_id) == 20.0


def test_the_time_in_the_queue_does_not_count_for_the_switch(bench: Bench) -> None:
    bench.submit("a", gpu_count=2, max_runtime_s=10.0)
    second = bench.submit("b", gpu_count=2, max_runtime_s=10.0)
    bench.pass_time(15)
    assert bench.job(second).status is Status.RUNNING
    bench.pass_time(10)
    assert bench.job(second).status is Status.FAILED


def test_a_cancel_beats_the_switch_that_comes_while_it_is_obeyed(bench: Bench) -> None:
    external_id = bench.submit(max_runtime_s=20.0)
    bench.pass_time(19.5)
    bench.node.cancel(external_id, reason="alice", keep_adapter=True, grace_s=30)
    bench.pass_time(0.6)
    job = bench.job(external_id)
    assert (job.status, job.released_at) == (Status.CANCELLED, (job.started_at or 0) + 20.0)


def test_a_run_that_ignores_its_stop_is_never_called_cancelled(bench: Bench) -> None:
    external_id = bench.submit(max_runtime_s=100.0)
    bench.executor.afflict(external_id, Mishap(MishapKind.IGNORES_STOP), bench.clock.now())
    bench.pass_time(10)
    bench.node.cancel(external_id, reason="alice", keep_adapter=False)
    bench.pass_time(10_000)
    assert bench.job(external_id).status is Status.CANCELLING
    assert bench.job(external_id).released_at is None
    bench.executor.relieve(external_id, bench.clock.now())
    bench.pass_time(10)
    assert bench.job(external_id).status is Status.CANCELLED


def test_a_repeated_cancel_changes_nothing(bench: Bench) -> None:
    external_id = bench.submit()
    bench.pass_time(10)
    for _ in range(3):
        job = bench.node.cancel(external_id, reason="alice", keep_adapter=True, grace_s=30)
        assert job.status is Status.CANCELLING
    assert len(job.transitions) == 3
    bench.pass_time(60)
    assert bench.job(external_id).status is Status.CANCELLED
    assert len(bench.job(external_id).transitions) == 4


def test_a_shorter_grace_ends_a_run_that_is_being_cancelled(bench: Bench) -> None:
    external_id = bench.submit()
    bench.pass_time(10)
    bench.node.cancel(external_id, reason="alice", keep_adapter=True, grace_s=30)
    bench.pass_time(0.5)
    job = bench.node.cancel(external_id, reason="bob", keep_adapter=False, grace_s=0)
    assert (job.status, job.released_at) == (Status.CANCELLED, bench.clock.now())
    assert job.transitions[-1].reason == "alice"


def test_grace_of_zero_ends_a_run_at_once(bench: Bench) -> None:
    external_id = bench.submit()
    bench.pass_time(10)
    job = bench.node.cancel(external_id, reason="alice", keep_adapter=False, grace_s=0)
    assert (job.status, job.released_at) == (Status.CANCELLED, bench.clock.now())


def test_a_cancel_after_training_ends_the_upload(bench: Bench) -> None:
    external_id = bench.submit(callback_url="http://plane/cb", callback_token="t")
    bench.pass_time(3600)
    job = bench.node.cancel(external_id, reason="alice", keep_adapter=False)
    assert job.status is Status.CANCELLED
    bench.node.delivered(external_id, uploaded=True)
    assert bench.job(external_id).status is Status.CANCELLED


def test_a_dataset_that_arrives_after_the_cancel_starts_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, arrives=False)
    external_id = bench.submit()
    bench.node.cancel(external_id, reason="alice", keep_adapter=False)
    bench.node.inputs_ready(external_id, bench.network.inputs)
    assert bench.job(external_id).status is Status.CANCELLED


def test_an_unusable_dataset_fails_the_job_and_frees_its_gpus(tmp_path: Path) -> None:
    bench = Bench(tmp_path, arrives=False)
    first, second = bench.submit("a", gpu_count=2), bench.submit("b", gpu_count=2)
    bench.node.inputs_failed(first, "dataset_hash_mismatch", "It is not the one ordered.")
    assert bench.job(first).status is Status.FAILED
    assert bench.job(second).status is Status.RUNNING


def test_a_restarted_node_goes_on_with_every_job(tmp_path: Path) -> None:
    before = Bench(tmp_path)
    running, waiting = before.submit("a", gpu_count=2, max_runtime_s=9999.0), before.submit("b", gpu_count=2)
    before.pass_time(10)
    points = before.executor.points(running, before.clock.now(), after=0, limit=1000).items
    before.store.close()

    after = Bench(tmp_path, clock=before.clock)
    after.node.recover()
    again = after.executor.points(running, after.clock.now(), after=0, limit=1000).items
    assert again == points
    assert [after.job(each).status for each in (running, waiting)] == ["running", "queued"]
    after.pass_time(7200)
    assert [after.job(each).status for each in (running, waiting)] == ["completed", "completed"]


def test_a_run_that_ended_while_the_node_was_down_is_billed_to_its_end(tmp_path: Path) -> None:
    before = Bench(tmp_path)
    external_id = before.submit()
    sight = before.node.sight(before.job(external_id), before.clock.now())
    assert sight is not None
    before.store.close()
    before.clock.moment += 100_000
    after = Bench(tmp_path, clock=before.clock)
    after.node.recover()
    assert after.job(external_id).status is Status.COMPLETED
    assert after.job(external_id).released_at == sight.changes_at


def test_deliveries_and_fetches_are_taken_up_after_a_restart(tmp_path: Path) -> None:
    before = Bench(tmp_path)
    delivering = before.submit("a", callback_url="http://plane/cb", callback_token="t")
    before.pass_time(3600)
    before.network.arrives = False
    fetching = before.submit("b")
    before.store.close()
    after = Bench(tmp_path, clock=before.clock)
    after.node.recover()
    assert after.network.delivering == [delivering]
    assert after.network.fetching == [fetching]


def test_a_waiting_job_whose_gpus_were_removed_fails_with_that_reason(tmp_path: Path) -> None:
    before = Bench(tmp_path)
    before.submit("a", gpu_count=2)
    waiting = before.submit("b", gpu_count=2)
    before.store.close()
    after = Bench(tmp_path, gpus=1, clock=before.clock)
    after.node.recover()
    job = after.job(waiting)
    assert job.verdict is not None
    assert (job.status, job.verdict.error_code) == (Status.FAILED, "gpu_unavailable")


def test_url_and_token_are_forgotten_when_the_job_ends(bench: Bench, tmp_path: Path) -> None:
    secrets = {"callback_url": "http://plane/cb", "callback_token": "a-token"}
    external_id = bench.submit(**secrets, dataset=Dataset("http://storage/x?signature=secret"))
    bench.pass_time(3600)
    bench.node.delivered(external_id, uploaded=True)
    bench.store.close()
    store = Store(tmp_path / "node.sqlite3")
    job = store.get(external_id)
    store.close()
    assert job is not None
    assert (job.spec.dataset.url, job.spec.callback_token) == ("", None)


def test_a_key_is_remembered_with_its_payload(bench: Bench) -> None:
    spec = JobSpec("j", 1, "m", {"epochs": 1}, "H100", 1, Dataset("http://storage/1", "ab"))
    job = bench.node.submit(spec, "j:1")
    moved = JobSpec("j", 1, "m", {"epochs": 1}, "H100", 1, Dataset("http://storage/2", "ab"))
    changed = JobSpec("j", 1, "m", {"epochs": 2}, "H100", 1, Dataset("http://storage/1", "ab"))
    earlier = bench.node.recall(moved, "j:1")
    assert earlier is not None
    assert earlier.external_id == job.external_id
    assert bench.node.recall(spec, "j:2") is None
    with pytest.raises(KeyReused):
        bench.node.recall(changed, "j:1")


def test_orders_that_cannot_be_met_are_refused(bench: Bench) -> None:
    with pytest.raises(InvalidOrder):
        bench.submit(gpu_type="A100")
    with pytest.raises(InvalidOrder):
        bench.submit(gpu_count=3)
    with pytest.raises(CheckpointGone):
        bench.submit(resume_from=ResumeFrom("run-unknown"))
    with pytest.raises(UnknownJob):
        bench.node.get("run-unknown")


def test_a_job_is_a_thousandth_of_nothing_between_its_changes(bench: Bench) -> None:
    """An active run has exactly one entry in the agenda, and none before it begins to matter."""
    bench.submit()
    due = bench.node.agenda.next_due()
    assert due is not None
    assert bench.node.agenda.pop_due(due) is not None
    assert bench.node.agenda.next_due() is None


def test_the_files_of_a_run_are_the_same_at_every_look(bench: Bench) -> None:
    external_id = bench.submit()
    bench.pass_time(3600)
    files = bench.executor.files(external_id, bench.clock.now())
    assert files == bench.executor.files(external_id, bench.clock.now() + 1000)
    for file in files:
        with bench.executor.open(external_id, file.path) as content:
            data = content.read()
        assert file == ProducedFile(file.path, len(data), file.sha256)
    with pytest.raises(KeyError):
        bench.executor.open(external_id, "../node.sqlite3")
