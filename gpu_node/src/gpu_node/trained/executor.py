"""The Executor that trains: turns orders into run folders and children, and answers from what they left."""

import contextlib
import errno
import os
import shutil
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from gpu_node.clock import Clock
from gpu_node.executor import (
    CannotBegin,
    InputPlaces,
    LogLine,
    Page,
    Point,
    ProducedFile,
    RunOrder,
    SavedCheckpoint,
    Sight,
)
from gpu_node.provisioning import Provided
from gpu_node.spec import FieldProblem, JobSpec
from gpu_node.trained import hyperparameters, record
from gpu_node.trained.devices import Devices
from gpu_node.trained.folder import RunFolder, write_json
from gpu_node.trained.housekeeping import Housekeeping
from gpu_node.trained.record import Record, StopOrder
from gpu_node.trained.run import Run
from gpu_node.trained.supervision import Supervision

JOB_SCHEMA = 1
REMEMBERED = 64
"""Ended runs kept in memory; an older one is read again when somebody looks at it."""


class TrainedExecutor:
    """Implements Executor over the folder that holds all runs."""

    simulated = False
    needs_provision = True

    def __init__(
        self,
        runs: Path,
        clock: Clock,
        devices: Devices,
        supervision: Supervision,
        housekeeping: Housekeeping,
    ) -> None:
        runs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._runs = runs.resolve()
        self._clock = clock
        self._devices = devices
        self._supervision = supervision
        self._housekeeping = housekeeping
        self._active: dict[str, Run] = {}
        self._ended: OrderedDict[str, Run] = OrderedDict()
        self._wake: Callable[[str], None] = lambda run_id: None
        supervision.subscribe(self._on_news)

    def subscribe(self, wake: Callable[[str], None]) -> None:
        self._wake = wake

    def refusals(self, spec: JobSpec) -> list[FieldProblem]:
        problems = hyperparameters.refusals(spec.hyperparameters)
        if spec.hyperparameters.get("quantization") == "nf4" and not self._devices.has(spec.gpu_type):
            message = f"nf4 needs an NVIDIA GPU; {spec.gpu_type} here is none, so use none"
            problems.append(FieldProblem("hyperparameters.quantization", message))
        return problems

    def knows(self, run_id: str) -> bool:
        return run_id in self._active or self._folder(run_id).record.exists()

    def places(self, run_id: str) -> InputPlaces:
        self._housekeeping.check_room()
        folder = self._folder(run_id)
        with _disk_trouble():
            folder.path.mkdir(exist_ok=True)
        return InputPlaces(folder.dataset, folder.validation, folder.resume)

    def begin(self, order: RunOrder, now: float) -> None:
        folder = self._folder(order.run_id)
        if record.load(folder.record) is not None:
            self.take_up(order.run_id, now)
            return
        if order.provided is None:
            raise CannotBegin("environment_failed", "The trainer's environment was not provided.")
        with _disk_trouble():
            self._begin(order, order.provided, folder, now)

    def take_up(self, run_id: str, now: float) -> None:
        if run_id in self._active:
            return
        run = self._get(run_id)
        if run.record.outcome is None:
            self._devices.hold(run.record.devices)
            self._active[run_id] = run
            self._ended.pop(run_id, None)
            self._supervision.take_up(run)

    def stop(self, run_id: str, now: float, *, grace_s: float, keep_adapter: bool) -> None:
        run = self._get(run_id)
        if run.record.outcome is not None:
            return
        earlier = run.record.stop
        order = StopOrder(now, now + grace_s, keep_adapter)
        if earlier is not None:
            order = StopOrder(
                earlier.at,
                min(earlier.kill_at, order.kill_at),
                earlier.keep_adapter,
                earlier.error_code,
                earlier.error_message,
            )
        self._supervision.stop(run, order)

    def look(self, run_id: str, now: float) -> Sight:
        run = self._get(run_id)
        if run.record.outcome is not None:
            self._settle_in(run)
        return run.sight(now)

    def points(self, run_id: str, now: float, *, after: int, limit: int) -> Page[Point]:
        return self._get(run_id).points(after=after, limit=limit)

    def lines(self, run_id: str, now: float, *, after: int, limit: int) -> Page[LogLine]:
        return self._get(run_id).lines(after=after, limit=limit)

    def has_checkpoint(self, run_id: str, now: float, *, step: int | None = None) -> bool:
        return self._checkpoint(run_id, step) is not None

    def checkpoints(self, run_id: str) -> tuple[SavedCheckpoint, ...]:
        return self._get(run_id).checkpoints()

    def drop_checkpoints(self, run_id: str, paths: Collection[str]) -> None:
        folder = self._folder(run_id)
        self._housekeeping.delete([folder.path / path for path in paths])

    def files(self, run_id: str, now: float) -> tuple[ProducedFile, ...]:
        run = self._get(run_id)
        there = run.record.delivered or run.folder.output.is_dir()
        return run.report.output if run.record.outcome is not None and there else ()

    def open(self, run_id: str, path: str) -> BinaryIO:
        run = self._get(run_id)
        if any(file.path == path for file in self.files(run_id, 0.0)):
            place = run.folder.output / path
        elif any(file.path == path for each in run.checkpoints() for file in each.produced()):
            place = run.folder.path / path
        else:
            raise KeyError(path)
        try:
            return place.open("rb")
        except OSError as error:
            raise KeyError(path) from error

    def settle(self, run_id: str, *, delivered: bool) -> None:
        folder = self._folder(run_id)
        began = folder.record.exists()
        completed = False
        if began:
            run = self._get(run_id)
            run.note(delivered=delivered, settled_at=self._clock.now())
            completed = run.record.outcome is not None and run.record.outcome.kind == "completed"
        self._housekeeping.after(folder, began=began, done_with=completed and delivered)

    def start(self) -> None:
        """Begins the housekeeping; needs a running event loop."""
        self._housekeeping.start()

    async def close(self) -> None:
        await self._housekeeping.close()
        await self._supervision.close()

    def _begin(self, order: RunOrder, provided: Provided, folder: RunFolder, now: float) -> None:
        step = order.resume_step
        if order.resume_from is not None and (step is None or not folder.resume.is_dir()):
            step = self._lend_checkpoint(order.resume_from, step, folder)
        write_json(folder.job, self._job(order, provided, step, folder))
        devices = self._devices.take(order.gpu_type, order.gpu_count)
        run = Run(
            folder,
            Record(
                run_id=order.run_id,
                gpu_type=order.gpu_type,
                gpu_count=order.gpu_count,
                devices=devices,
                python=str(provided.python),
                begun_at=now,
            ),
        )
        self._active[order.run_id] = run
        try:
            self._supervision.begin(run)
        except OSError:
            del self._active[order.run_id]
            self._devices.release(devices)
            raise

    def _on_news(self, run: Run) -> None:
        self._wake(run.record.run_id)

    def _settle_in(self, run: Run) -> None:
        """The run has its outcome: its GPUs are free, and it is remembered among the ended."""
        run_id = run.record.run_id
        if self._active.pop(run_id, None) is not None:
            self._devices.release(run.record.devices)
            self._remember(run)

    def _get(self, run_id: str) -> Run:
        run = self._active.get(run_id) or self._ended.get(run_id)
        if run is None:
            folder = self._folder(run_id)
            kept = record.load(folder.record)
            if kept is None:
                raise KeyError(f"no run {run_id}")
            run = Run(folder, kept)
            run.read_events()
            self._remember(run)
        return run

    def _remember(self, run: Run) -> None:
        self._ended[run.record.run_id] = run
        if len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)

    def _folder(self, run_id: str) -> RunFolder:
        return RunFolder(self._runs / run_id)

    def _checkpoint(self, run_id: str, step: int | None) -> SavedCheckpoint | None:
        """The newest checkpoint that is here, or the newest of one step."""
        if not self._folder(run_id).record.exists():
            return None
        fitting = [
            each for each in self._get(run_id).checkpoints() if each.here and step in (None, each.step)
        ]
        return max(fitting, key=lambda each: (each.step, each.restart), default=None)

    def _lend_checkpoint(self, run_id: str, step: int | None, folder: RunFolder) -> int:
        """Links an earlier run's checkpoint into the folder, so that neither run needs the other any more.

        Returns its step; raises CannotBegin.
        """
        checkpoint = self._checkpoint(run_id, step)
        if checkpoint is None:
            message = f"The checkpoint of {run_id} was deleted here while this run waited; start without it."
            raise CannotBegin("checkpoint_gone", message)
        source = self._folder(run_id).path / checkpoint.path
        shutil.rmtree(folder.resume, ignore_errors=True)
        shutil.copytree(source, folder.resume, copy_function=os.link)
        return checkpoint.step

    def _job(
        self, order: RunOrder, provided: Provided, step: int | None, folder: RunFolder
    ) -> dict[str, object]:
        """The trainer's job.json."""
        validation: dict[str, object] | None = None
        if order.validation is not None:
            validation = {"path": str(folder.validation), "sha256": order.validation.sha256}
        resume: dict[str, object] | None = None
        if order.resume_from is not None:
            resume = {"path": str(folder.resume), "step": step, "run_id": order.resume_from}
        return {
            "schema": JOB_SCHEMA,
            "run_id": order.run_id,
            "job_id": order.job_id,
            "base_model": {
                "name": order.base_model,
                "path": str(provided.model_path.resolve()),
                "licence": provided.licence,
            },
            "dataset": {"path": str(folder.dataset), "sha256": order.inputs.sha256},
            "validation": validation,
            "hyperparameters": hyperparameters.complete(order.hyperparameters),
            "device": {
                "kind": "cuda" if self._devices.has(order.gpu_type) else "cpu",
                "count": order.gpu_count,
            },
            "resume_from": resume,
        }


@contextlib.contextmanager
def _disk_trouble() -> Iterator[None]:
    """Turns what the disk refuses into a reason that the job's owner can pass on."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise CannotBegin(
                "disk_full", "The GPU machine's disk is full: free some space there."
            ) from error
        raise CannotBegin("node_lost", f"The GPU machine cannot write the run's files: {error}.") from error
