"""The parts of a run that trains, without a process: lines, reports, judgements, what is kept on disk."""

import asyncio
import json
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from fakes import HandClock
from gpu_node.executor import CannotBegin, Outcome, RunOrder
from gpu_node.gpus import Figures
from gpu_node.jobs import Inputs
from gpu_node.provisioning import Provided
from gpu_node.trained import child, hyperparameters, record
from gpu_node.trained.devices import Devices
from gpu_node.trained.executor import TrainedExecutor
from gpu_node.trained.folder import RunFolder
from gpu_node.trained.housekeeping import Housekeeping
from gpu_node.trained.judgement import Again, Exit, judge
from gpu_node.trained.lines import EVERY, MOST_BYTES, GrowingFile, Times
from gpu_node.trained.record import Record, StopOrder
from gpu_node.trained.report import Report
from gpu_node.trained.run import Run
from gpu_node.trained.supervision import Policy, Supervision
from servers import PATIENCE_S

RECORD = Record("run-1", "CPU", 1, (), "/python", begun_at=1000.0)


def reported(*events: dict[str, object]) -> Report:
    report = Report()
    for event in events:
        report.add(json.dumps(event).encode())
    return report


def point(step: int, *, restart: int = 0, at: float = 0.0, **values: float) -> dict[str, object]:
    facts = {"restart": restart, "step": step, "epoch": step / 10, "at": at, "values": values}
    return {"event": "point", **facts, "nonfinite": {}}


START: dict[str, object] = {"event": "start", "at": 1000.0, "restart": 0, "resumed_from_step": None}


class BusyGpus:
    """A Gauge at which every GPU is half busy."""

    def read(self, uuids: Sequence[str]) -> Figures | None:
        return Figures(50.0, 12.5) if uuids else None


def test_lines_are_found_by_number_in_a_file_that_grows(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"".join(b"line %d\n" % number for number in range(1, 2 * EVERY + 2)))
    file = GrowingFile(path, lambda line: True, longest=100)
    assert len(list(file.read_new())) == file.count == 2 * EVERY + 1
    for first in (0, 1, EVERY - 1, EVERY, EVERY + 1, 2 * EVERY):
        assert file.page(first, 2)[0] == (first + 1, b"line %d\n" % (first + 1))
    assert file.page(file.count, 10) == []
    with path.open("ab") as more:
        more.write(b"half a li")
    assert list(file.read_new()) == []
    with path.open("ab") as more:
        more.write(b"ne\n")
    assert list(file.read_new()) == [b"half a line\n"]
    assert file.page(file.count - 1, 5) == [(2 * EVERY + 2, b"half a line\n")]


def test_a_line_without_end_is_cut_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * 250)
    file = GrowingFile(path, lambda line: True, longest=100)
    assert [len(line) for line in file.read_new()] == [100, 100]
    assert [len(line) for _, line in file.page(0, 10)] == [100, 100]


def test_a_page_of_long_lines_is_bounded_and_the_next_one_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * (3 * MOST_BYTES))
    file = GrowingFile(path, lambda line: True, longest=MOST_BYTES // 2)
    assert len(list(file.read_new())) == 6
    assert [number for number, _ in file.page(0, 1000)] == [1, 2]
    assert [number for number, _ in file.page(2, 1000)] == [3, 4]


def test_a_line_has_the_moment_at_which_it_was_first_seen() -> None:
    times = Times()
    times.note(3, 10.0)
    times.note(3, 20.0)
    times.note(5, 30.0)
    assert [times.of(number, 99.0) for number in (1, 3, 4, 6)] == [10.0, 10.0, 30.0, 99.0]


def test_a_report_adds_up_what_the_trainer_said() -> None:
    report = reported(
        START,
        {"event": "stage", "at": 1001.0, "stage": "training", "detail": "30 steps"},
        {"event": "plan", "at": 1001.0, "total_steps": 30, "total_epochs": 2.5, "start_step": 0},
        point(1, at=1010.0, training_loss=2.0),
        point(11, at=1020.0, training_loss=1.5),
        point(11, at=1020.0, validation_loss=1.7),
    )
    assert (report.step, report.total_steps, report.total_epochs) == (11, 30, 3)
    assert report.values == {"training_loss": 1.5, "validation_loss": 1.7}
    assert report.eta_s(1020.0) == pytest.approx(19.0)
    assert report.eta_s(1025.0) == pytest.approx(14.0)


def test_a_restart_falls_back_to_its_checkpoint_and_forgets_the_end() -> None:
    report = reported(
        START,
        point(7),
        {"event": "end", "at": 1100.0, "outcome": "stopped"},
        START | {"restart": 1, "resumed_from_step": 4},
    )
    assert (report.step, report.furthest, report.restart, report.end) == (4, 7, 1, None)


def test_values_that_are_no_numbers_keep_their_kind() -> None:
    report = reported(START, point(1) | {"nonfinite": {"training_loss": "NaN", "gradient_norm": "-Infinity"}})
    loss, norm = report.values["training_loss"], report.values["gradient_norm"]
    assert loss is not None
    assert math.isnan(loss)
    assert norm == -math.inf


@pytest.mark.parametrize(
    "line", [b'{"event": "poi', b"[]", b'{"event": "point"}', b"\xff", b'{"event": "new"}']
)
def test_a_line_that_is_no_event_counts_nothing(line: bytes) -> None:
    report = reported(START)
    report.add(line)
    assert report == reported(START)


def test_a_run_that_completed_while_it_was_stopped_has_completed() -> None:
    report = reported(START, {"event": "end", "at": 1100.0, "outcome": "completed"})
    stopped = Record(**(vars(RECORD) | {"stop": StopOrder(1050.0, 1080.0, keep_adapter=False)}))
    assert judge(stopped, report, Exit(0, 1101.0)) == Outcome("completed", 1101.0)


def test_a_stop_with_a_reason_fails_the_run_with_that_reason() -> None:
    order = StopOrder(1050.0, 1080.0, False, "disk_full", "Too large.")
    stopped = Record(**(vars(RECORD) | {"stop": order}))
    outcome = judge(stopped, reported(START), Exit(3, 1101.0))
    assert outcome == Outcome("failed", 1101.0, "disk_full", "Too large.")


def test_a_run_that_the_machine_had_no_memory_for_says_what_to_lower() -> None:
    killed = Exit(-9, 1101.0, out_of_memory=True)
    first = judge(RECORD, reported(START, point(3)), killed)
    assert first == Again("the machine ran out of memory and killed the trainer", crashed=True)
    again = Record(**(vars(RECORD) | {"crashes": 1, "furthest_at_crash": 3}))
    outcome = judge(again, reported(START, point(3)), killed)
    assert isinstance(outcome, Outcome)
    assert outcome.error_code == "out_of_memory"
    assert "lower batch_size or max_length" in (outcome.error_message or "")


def test_a_trainer_whose_interpreter_is_gone_is_not_started_again() -> None:
    outcome = judge(RECORD, reported(), Exit(127, 1001.0, last_words="python: not found"))
    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.error_code) == ("failed", "environment_failed")


def test_all_hyperparameters_are_written_down_in_their_own_type() -> None:
    complete = hyperparameters.complete({"epochs": 3, "batch_size": 2.0, "packing": True})
    assert complete["epochs"] == 3.0
    assert (complete["batch_size"], complete["packing"], complete["rank"]) == (2, True, 16)
    assert list(complete) == list(hyperparameters.KNOWN)


def test_gpus_are_lent_to_one_run_at_a_time() -> None:
    devices = Devices({"H100": ("GPU-a", "GPU-b"), "CPU": ()})
    assert devices.take("CPU", 1) == ()
    assert devices.take("H100", 1) == ("GPU-a",)
    devices.hold(["GPU-b"])
    with pytest.raises(CannotBegin):
        devices.take("H100", 1)
    devices.release(["GPU-a"])
    assert devices.take("H100", 1) == ("GPU-a",)


def test_points_get_the_gpu_figures_that_the_trainer_did_not_measure(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    events = [START, point(1, at=1010.0, training_loss=2.0), point(1, at=1010.0, validation_loss=2.1)]
    folder.events.write_text("".join(json.dumps(event) + "\n" for event in events))
    run = Run(folder, RECORD)
    run.measure(Figures(75.0, 10.0), 1009.0)
    run.read(1010.0)
    training, validation = run.points(after=0, limit=10).items
    assert training.values == {"training_loss": 2.0, "gpu_utilization": 75.0, "gpu_memory": 10.0}
    assert validation.values == {"validation_loss": 2.1}
    assert run.sight(1010.0).metrics["gpu_memory"] == 10.0


def test_a_process_is_not_taken_for_another_that_got_its_pid() -> None:
    me = child.identify(os.getpid())
    assert me is not None
    assert child.lives(me)
    assert not child.lives(child.Identity(me.pid, me.started - 1))


def test_the_bulk_of_a_run_goes_some_days_after_nobody_waits_for_it(tmp_path: Path) -> None:
    clock = HandClock()
    keeper = Housekeeping(tmp_path, clock, keep_days=7, min_free_gb=0)
    folder = RunFolder(tmp_path / "run-1")
    folder.checkpoints.mkdir(parents=True)
    for file in (folder.dataset, folder.events, folder.log, folder.checkpoints / "weights"):
        file.write_text("x")
    ended = vars(RECORD) | {"outcome": Outcome("failed", clock.now()), "settled_at": clock.now()}
    Record(**ended).save(folder.record)
    clock.moment += 6 * 86_400
    keeper.sweep()
    assert folder.dataset.exists()
    clock.moment += 2 * 86_400
    keeper.sweep()
    assert {path.name for path in folder.path.iterdir()} == {"events.jsonl", "log.txt", "record.json"}
    kept = record.load(folder.record)
    assert kept is not None
    assert kept.outcome is not None


def test_a_run_that_outgrows_its_room_is_stopped(tmp_path: Path) -> None:
    pretended = Path(__file__).parent / "pretend_trainer" / "src"
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps({"steps": 10, "save_every": 4, "halt_at": 2}))

    async def run() -> Outcome:
        clock, gauge = HandClock(), BusyGpus()
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        policy = Policy(pretended, max_run_gb=1e-9, poll_s=0.01, weigh_s=0.0)
        executor = TrainedExecutor(
            tmp_path / "runs",
            clock,
            Devices({}),
            Supervision(policy, gauge, clock),
            Housekeeping(tmp_path / "runs", clock, keep_days=1, min_free_gb=0),
        )

        def look(run_id: str) -> None:
            if (seen := executor.look(run_id, clock.now()).outcome) is not None and not outcome.done():
                outcome.set_result(seen)

        executor.subscribe(look)
        dataset = executor.places("run-1").dataset
        dataset.write_text("{}\n")
        order = RunOrder(
            run_id="run-1",
            job_id="job-1",
            base_model="a model",
            hyperparameters={},
            gpu_type="CPU",
            gpu_count=1,
            inputs=Inputs(1, 3, "ab"),
            provided=Provided(Path(sys.executable), model),
        )
        executor.begin(order, clock.now())
        try:
            return await asyncio.wait_for(outcome, PATIENCE_S)
        finally:
            await executor.close()

    ended = asyncio.run(run())
    assert (ended.kind, ended.error_code) == ("failed", "disk_full")


def test_a_run_that_the_disk_does_not_let_begin_gives_its_gpus_back(tmp_path: Path) -> None:
    clock, devices = HandClock(), Devices({"H100-80GB": ["GPU-1"]})
    executor = TrainedExecutor(
        tmp_path / "runs",
        clock,
        devices,
        Supervision(Policy(tmp_path), BusyGpus(), clock),
        Housekeeping(tmp_path / "runs", clock, keep_days=1, min_free_gb=0),
    )
    folder = executor.places("run-1").dataset.parent
    (folder / "tmp").write_text("in the place of the trainer's folder")
    order = RunOrder(
        run_id="run-1",
        job_id="job-1",
        base_model="a model",
        hyperparameters={},
        gpu_type="H100-80GB",
        gpu_count=1,
        inputs=Inputs(1, 3, "ab"),
        provided=Provided(Path(sys.executable), tmp_path),
    )
    with pytest.raises(CannotBegin):
        executor.begin(order, clock.now())
    assert devices.take("H100-80GB", 1) == ("GPU-1",)


def test_the_end_of_a_process_is_seen_at_once(tmp_path: Path) -> None:
    door = tmp_path / "door"
    os.mkfifo(door)

    async def watch() -> None:
        process = child.start(
            ["cat", str(door)],
            note=tmp_path / "note",
            folder=tmp_path,
            environ=os.environ,
            log=tmp_path / "log",
        )
        identity = child.identify(process.pid)
        assert identity is not None
        waiting = asyncio.create_task(child.wait_for_end(identity, within_s=3600))
        await asyncio.sleep(0)
        await asyncio.to_thread(door.write_bytes, b"")
        await asyncio.wait_for(waiting, PATIENCE_S)
        assert process.wait() == 0

    asyncio.run(watch())
