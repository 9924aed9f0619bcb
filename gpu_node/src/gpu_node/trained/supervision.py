"""Children watched over: one task each reads what it writes, ends it in time, and decides when it is gone."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gpu_node.clock import Clock
from gpu_node.executor import Outcome
from gpu_node.gpus import Gauge
from gpu_node.trained import child
from gpu_node.trained.folder import write_json
from gpu_node.trained.judgement import Again, Exit, judge
from gpu_node.trained.record import Launch, StopOrder
from gpu_node.trained.run import Run

logger = logging.getLogger("gpu_node")

LEAVE_POLL_S = 0.05
DISK_GRACE_S = 30.0
GB = 1_000_000_000


@dataclass(frozen=True)
class Policy:
    """How children are run. `source` holds the trainer's package, `cpu_slots` share the processor.

    A child is looked at every `poll_s`, its GPUs every `measure_s`, its folder's size every `weigh_s`; when
    the node is stopped it has `leave_s` for a checkpoint.
    """

    source: Path
    cpu_slots: int = 1
    max_run_gb: float = 50.0
    leave_s: float = 8.0
    poll_s: float = 0.5
    measure_s: float = 2.0
    weigh_s: float = 20.0
    keep_children: bool = False


class Supervision:
    """Starts, watches and ends the children of runs."""

    def __init__(self, policy: Policy, gauge: Gauge, clock: Clock) -> None:
        self._policy = policy
        self._gauge = gauge
        self._clock = clock
        self._news: Callable[[Run], None] = lambda run: None
        self._watchers: dict[str, asyncio.Task[None]] = {}
        self._runs: dict[str, Run] = {}

    def subscribe(self, news: Callable[[Run], None]) -> None:
        """`news(run)` is called whenever a run's pulse changed."""
        self._news = news

    def begin(self, run: Run) -> None:
        """The first child of a run."""
        self._start(run, "started")

    def take_up(self, run: Run) -> None:
        """Goes on with a run after the node's restart: finds its child, or judges how it ended."""
        run.identity = child.noted(run.folder.process)
        if run.identity is not None and child.any_lives(run.identity):
            logger.info("Run %s: its trainer (pid %d) is still there", run.record.run_id, run.identity.pid)
            self._watch(run)
        else:
            moment = run.folder.last_sign_of_life() or run.record.begun_at
            self._decide(run, Exit(None, moment))

    def stop(self, run: Run, order: StopOrder) -> None:
        """Asks the child to end; it is killed at the order's `kill_at`."""
        run.note(stop=order)
        self._ask_to_end(run, order.keep_adapter, max(0.0, order.kill_at - order.at))
        if order.kill_at <= self._clock.now():
            self._kill(run)

    async def close(self) -> None:
        """Stops the children with a checkpoint, for the next node to start them again; or lets them be."""
        for task in self._watchers.values():
            task.cancel()
        await asyncio.gather(*self._watchers.values(), return_exceptions=True)
        runs = list(self._runs.values())
        if self._policy.keep_children:
            return
        for run in runs:
            if run.record.stop is None:
                run.note(paused=True)
                self._ask_to_end(run, keep_adapter=False, grace_s=self._policy.leave_s)
        for _ in range(int(self._policy.leave_s / LEAVE_POLL_S)):
            if not any(map(self._alive, runs)):
                break
            await asyncio.sleep(LEAVE_POLL_S)
        for run in runs:
            self._kill(run)

    def _start(self, run: Run, reason: str) -> None:
        """A new child in the run's folder; one that cannot be started ends the run."""
        record, folder, now = run.record, run.folder, self._clock.now()
        if record.stop is None:
            folder.stop.unlink(missing_ok=True)
        launch = Launch(now, reason, child.memory_kills())
        run.note(launches=(*record.launches, launch), paused=False)
        folder.say(f"Trainer {reason}" if not record.launches else f"Trainer started again: {reason}")
        folder.scratch.mkdir(exist_ok=True)
        command = [record.python, "-m", "lora_trainer", "train", str(folder.path)]
        try:
            run.process = child.start(
                command,
                note=folder.process,
                folder=folder.path,
                environ=self._environment(run),
                log=folder.log,
            )
        except OSError as error:
            message = f"The trainer cannot be started: {error.strerror or error}."
            self._conclude(run, Outcome("failed", now, "environment_failed", message))
            return
        run.identity = child.identify(run.process.pid)
        self._watch(run)

    def _watch(self, run: Run) -> None:
        run_id = run.record.run_id
        self._runs[run_id] = run
        if run_id not in self._watchers:
            self._watchers[run_id] = asyncio.get_running_loop().create_task(self._attend(run), name=run_id)

    async def _attend(self, run: Run) -> None:
        """Until the run has an outcome: through as many children as it takes."""
        while run.record.outcome is None:
            await self._next_look(run)
            before = run.pulse
            try:
                await self._look_after(run)
            except Exception:
                logger.exception("Run %s: looking after it failed; trying again", run.record.run_id)
            if run.pulse != before:
                self._news(run)

    async def _next_look(self, run: Run) -> None:
        """Soon, and at once when the child ends: its GPUs cost until that is seen."""
        if run.identity is None:
            await asyncio.sleep(self._policy.poll_s)
        else:
            await child.wait_for_end(run.identity, self._policy.poll_s)

    async def _look_after(self, run: Run) -> None:
        now = self._clock.now()
        alive = self._alive(run)
        run.read(now)
        if not alive:
            code = run.process.returncode if run.process else None
            starved = code in {-signal.SIGKILL, None} and self._ran_out_of_memory(run)
            self._decide(run, Exit(code, now, starved, run.last_words()))
            return
        stop = run.record.stop
        if stop is not None and now >= stop.kill_at:
            self._kill(run)
        if now - run.measured_at >= self._policy.measure_s:
            run.measure(self._gauge.read(run.record.devices), now)
        if now - run.weighed_at >= self._policy.weigh_s and stop is None:
            run.weighed_at = now
            await self._weigh(run)

    def _alive(self, run: Run) -> bool:
        """Whether anything of the child is left; when only its own children are, they are ended."""
        if run.process is not None and run.process.poll() is None:
            return True
        if run.identity is None:
            return False
        if child.lives(run.identity):
            return True
        child.kill(run.identity)
        return child.any_lives(run.identity)

    def _decide(self, run: Run, exit: Exit) -> None:
        run.read(self._clock.now())
        verdict = judge(run.record, run.report, exit)
        if isinstance(verdict, Again):
            if verdict.crashed:
                run.note(crashes=run.record.crashes + 1, furthest_at_crash=run.report.furthest)
            logger.warning("Run %s: starting again: %s", run.record.run_id, verdict.reason)
            self._start(run, verdict.reason)
        else:
            self._conclude(run, verdict)

    def _conclude(self, run: Run, outcome: Outcome) -> None:
        detail = f": {outcome.error_message}" if outcome.error_message else ""
        run.folder.say(f"Run {outcome.kind}{detail}")
        run.note(outcome=outcome)
        run.read(self._clock.now())
        self._runs.pop(run.record.run_id, None)
        self._watchers.pop(run.record.run_id, None)

    async def _weigh(self, run: Run) -> None:
        size = await asyncio.to_thread(run.folder.size)
        most = self._policy.max_run_gb
        if size > most * GB and run.record.stop is None:
            now = self._clock.now()
            message = (
                f"The run's folder grew to {size / GB:.1f} GB, more than the {most:g} GB a run may have "
                "here; save checkpoints less often or lower the rank."
            )
            self.stop(run, StopOrder(now, now + DISK_GRACE_S, False, "disk_full", message))

    def _ran_out_of_memory(self, run: Run) -> bool:
        """Whether the machine killed anything for want of memory since the child's start."""
        return bool(run.record.launches) and child.memory_kills() > run.record.launches[-1].memory_kills

    def _ask_to_end(self, run: Run, keep_adapter: bool, grace_s: float) -> None:
        write_json(run.folder.stop, {"keep_adapter": keep_adapter, "grace_s": round(grace_s, 1)})
        if run.identity is not None:
            child.ask_to_end(run.identity)

    def _kill(self, run: Run) -> None:
        if run.identity is not None:
            child.kill(run.identity)
        if run.process is not None:
            with contextlib.suppress(ProcessLookupError):
                run.process.kill()

    def _environment(self, run: Run) -> dict[str, str]:
        """No key, no token: the trainer talks to nobody."""
        more = {
            "PYTHONPATH": str(self._policy.source),
            "PYTHONUNBUFFERED": "1",
            "HF_HUB_OFFLINE": "1",
            "TMPDIR": str(run.folder.scratch),
            "CUDA_VISIBLE_DEVICES": ",".join(run.record.devices),
        }
        if not run.record.devices and self._policy.cpu_slots > 1:
            cores = len(os.sched_getaffinity(0))
            more["OMP_NUM_THREADS"] = str(max(1, cores // self._policy.cpu_slots))
        return child.environment(os.environ, more)
