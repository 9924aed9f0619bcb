"""A GPU cluster in memory that speaks the wire protocol, says that it is a simulator, and goes wrong when told to.

It keeps its own books: which runs it started and is paid for, and what it was asked. Its clock is off.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from tests.promises.machines.faults import AFTER, BEFORE, TWISTED, Answer, Reply, Silence, problem, said
from tests.promises.machines.runs import COMPLETED, FAILED, Json, Plan, Run

KEY = "the-key-of-this-cluster"
SKEW = timedelta(minutes=-17)
# After it took a job. With the longest call, and a worker that stands still before it, within the time to settle.
LISTED_WITHIN = timedelta(seconds=40)
ADAPTER = b"the weights that were learned"
PAGE = 3


@dataclass(frozen=True)
class Profile:
    """What a cluster can do. `features` None is level 1; `tells_times`: its status has started_at and ended_at."""

    features: frozenset[str] | None
    tells_times: bool = False
    hands_files_over: bool = False

    def has(self, feature: str) -> bool:
        return feature in (self.features or ())

    @property
    def can_be_asked(self) -> bool:
        """Whether what became of an unanswered submission can be found out."""
        return self.has("idempotent_submit") or self.has("lookup")


_CURVES = {"metrics_cursor", "batch_status", "heartbeat"}
PROFILES = {
    "level1": Profile(None),
    "level1-files": Profile(None, tells_times=True, hands_files_over=True),
    "neither": Profile(frozenset({"metrics_cursor", "async_cancel", "billing"}), tells_times=True),
    "lookup": Profile(frozenset({"lookup", "metrics_cursor", "heartbeat"}), tells_times=True),
    "keys": Profile(frozenset({"idempotent_submit", "async_cancel", "billing", *_CURVES}), tells_times=True),
    "all": Profile(
        frozenset({"idempotent_submit", "lookup", "async_cancel", "billing", "artifacts", *_CURVES}),
        tells_times=True,
        hands_files_over=True,
    ),
}


@dataclass
class Submit:
    """One submission as it left us: `attempt` is the job's at that moment, whatever the cluster was told."""

    job_id: str
    attempt: int
    is_open: bool  # we never learned what became of it


@dataclass
class FaultyCluster:
    """`now` is our clock. `plans` by job id; runs of other jobs follow `Plan()`."""

    profile: Profile
    now: Callable[[], datetime]
    attempt_of: Callable[[str], int]
    plans: dict[str, Plan] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    submits: list[Submit] = field(default_factory=list)
    keys: dict[str, tuple[Json, str]] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    seen_faults: list[str] = field(default_factory=list)
    told_running_at: dict[str, datetime] = field(default_factory=dict)  # our clock, first time

    @property
    def clock(self) -> datetime:
        return self.now() + SKEW

    def runs_of(self, job_id: object) -> list[Run]:
        return [run for run in self.runs.values() if run.job_id == str(job_id)]

    # -- The wire ------------------------------------------------------------------------------------------

    def call(self, method: str, target: str, headers: Mapping[str, str], order: Json) -> Answer:
        """Answer one request, with the next fault of its route if there is any."""
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        _, _, what, *rest = url.path.split("/")
        waiting = self.faults[what]
        fault = waiting.pop(0) if waiting else ""
        if fault:
            self.seen_faults.append(f"{what}: {fault}")
        submit = Submit(order["job_id"], self.attempt_of(order["job_id"]), True) if what == "submit" else None
        if submit is not None:
            self.submits.append(submit)
        answer = BEFORE.get(fault) or self._act(what, rest, query, headers, order, fault)
        answer = AFTER.get(fault, answer)
        if submit is not None:
            submit.is_open = _leaves_open(answer, fault)
        return answer

    def _act(
        self, what: str, rest: list[str], query: Json, headers: Mapping[str, str], order: Json, fault: str
    ) -> Answer:
        if headers.get("Authorization") != f"Bearer {KEY}":
            return problem(401, "bad_key")
        has = self.profile.has
        match what, rest:
            case "capabilities", _ if self.profile.features is not None:
                told = {"api_version": 2, "features": sorted(self.profile.features), "simulated": True}
                return said(200, told)
            case "submit", _:
                return self._submit(order, headers.get("Idempotency-Key"))
            case "status", [external_id]:
                return self._known(external_id, lambda run: said(200, self._status(run, fault)))
            case "status", [] if has("batch_status"):
                return self._batch(order["jobs"], fault)
            case "metrics", [external_id] if has("metrics_cursor"):
                return self._known(external_id, lambda run: said(200, self._points(run, int(query["after"]), fault)))
            case "cancel", [external_id]:
                return self._known(external_id, lambda run: self._cancel(run, order))
            case "jobs", _ if has("lookup"):
                return said(200, {"jobs": self._listed(query)})
            case "artifacts", [external_id] if has("artifacts"):
                return self._known(external_id, lambda run: said(200, {"files": self._files(run), "complete": True}))
            case "files", [external_id, _]:
                return self._known(external_id, lambda _: Reply(200, ADAPTER))
        return problem(404, "no_such_route")

    def _known(self, external_id: str, answer: Callable[[Run], Answer]) -> Answer:
        run = self.runs.get(external_id)
        return problem(404, "unknown_job") if run is None or run.is_forgotten else answer(run)

    # -- Taking and stopping jobs ----------------------------------------------------------------------------

    def _submit(self, order: Json, key: str | None) -> Answer:
        meant = {name: order.get(name) for name in ("job_id", "attempt", "base_model", "hyperparameters", "gpu_config")}
        if self.profile.has("idempotent_submit") and key is not None and key in self.keys:
            known, external_id = self.keys[key]
            return said(200, {"external_job_id": external_id}) if known == meant else problem(422, "other_payload")
        external_id = f"run-{len(self.runs) + 1}"
        job_id = order["job_id"]
        self.runs[external_id] = Run(
            external_id=external_id,
            job_id=job_id,
            attempt=self.submits[-1].attempt,
            gpu_count=order["gpu_config"]["count"],
            labels=order.get("labels", {}),
            accepted_at=self.clock,
            plan=self.plans.get(job_id, Plan()),
        )
        if key is not None:
            self.keys[key] = meant, external_id
        return said(201, {"external_job_id": external_id})

    def _cancel(self, run: Run, wish: Json) -> Answer:
        if run.state(self.clock) in (COMPLETED, FAILED, "cancelled"):
            if self.profile.features is None:
                return problem(409, "has_ended")
            return said(200, self._status(run))
        if run.cancelled_at is None:
            run.cancelled_at = self.clock
            run.keeps_adapter = bool(wish.get("keep_adapter")) and self.profile.hands_files_over
        return said(202, {"status": "cancelling"})

    def _listed(self, query: Json) -> list[Json]:
        late = self.clock - LISTED_WITHIN
        return [
            {"external_job_id": run.external_id, "job_id": run.job_id, "status": run.state(self.clock)}
            | {"labels": run.labels}
            | ({"attempt": run.attempt} if self.profile.has("idempotent_submit") else {})
            for run in self.runs.values()
            if run.accepted_at <= late
            and not run.is_forgotten
            and query.get("job_id") in (None, run.job_id)
            and not (query.get("state") == "active" and run.is_free(self.clock))
        ]

    # -- Telling how jobs are --------------------------------------------------------------------------------

    def _batch(self, asked: list[Json], fault: str) -> Answer:
        told: list[Json] = []
        missing: list[str] = []
        for one in asked:
            run = self.runs.get(one["id"])
            if run is None or run.is_forgotten:
                missing.append(one["id"])
            elif fault != "left out":
                told.append({**self._status(run, fault), **self._points(run, one["after"], fault)})
        return said(200, {"jobs": told, "missing": missing})

    def _status(self, run: Run, fault: str = "") -> Json:
        at = self.clock - timedelta(minutes=2) if fault == "older" else self.clock
        at = max(at, run.accepted_at)
        state, seen = run.state(at), run.seen(at)
        last = seen[-1] if seen else None
        told: Json = {
            "external_job_id": run.external_id,
            "status": state,
            "simulated": True,
            "progress": 100.0 * len(seen) / len(run.points),
            "current_step": last.step if last else 0,
            "stage": "uploading" if run.is_uploading(at) else "training",
            "metrics": {"training_loss": (last.loss if last.loss is not None else float("nan")) if last else None},
        }
        freed_at, _, code = run.end
        if state == FAILED:
            told |= {"error_code": code, "error_message": f"The run failed: {code}."}
        if state == COMPLETED and self.profile.hands_files_over and not self.profile.has("artifacts"):
            told["model_files"] = {file["path"]: file["url"] for file in self._files(run)}
        if self.profile.tells_times:
            told["started_at"] = run.started_at.isoformat() if run.started_at <= min(at, freed_at) else None
            told["ended_at"] = freed_at.isoformat() if at >= freed_at else None
        if self.profile.has("billing"):
            told["billing"] = {"billable_seconds": run.billable_s(at), "final": at >= freed_at}
        if self.profile.has("heartbeat"):
            told |= {"state_seq": run.state_seq(at), "restart": last.restart if last else 0}
            told |= {"heartbeat_at": min(at, freed_at).isoformat()}
        if self.profile.has("async_cancel"):
            told["released_at"] = freed_at.isoformat() if at >= freed_at else None
        if state == "running":
            self.told_running_at.setdefault(run.external_id, self.now())
        return _twisted(told, fault)

    def _points(self, run: Run, after: int, fault: str) -> Json:
        if not self.profile.has("metrics_cursor"):
            return {}
        # `again`: with points that it has given before, as a cluster does that has lost its place.
        waiting = [point for point in run.seen(self.clock) if point.seq > after or fault == "again"]
        page = waiting[: len(waiting) if fault == "again" else PAGE]
        points: list[Json] = [
            {"seq": point.seq, "restart": point.restart, "step": point.step, "epoch": point.step / 4}
            | {"at": point.at.isoformat(), "values": {"training_loss": point.loss if point.loss else float("nan")}}
            for point in page
        ]
        if fault == "twice":
            points += points
        if fault == "shuffled":
            points.reverse()
        following = page[-1].seq if page else after
        return {"points": points, "next": following, "has_more": len(waiting) > len(page)}

    def _files(self, run: Run) -> list[Json]:
        if not run.seen(self.clock):
            return []
        return [
            {"path": name, "size": len(ADAPTER), "url": f"/training/files/{run.external_id}/{name}"}
            for name in ("adapter_model.safetensors", "adapter_config.json")
        ]


def _leaves_open(answer: Answer, fault: str) -> bool:
    """Whether we cannot know, from this answer to a submission, what became of it."""
    if isinstance(answer, Silence):
        return answer.kind != "refused"
    return (answer.status >= 500 and "Retry-After" not in answer.headers) or fault in ("garbage", "empty", "redirect")


def _twisted(told: Json, fault: str) -> Json:
    if fault not in TWISTED:
        return told
    match fault:
        case "nan":
            told["metrics"] = {"training_loss": float("nan"), "gradient_norm": float("inf")}
            told["progress"] = float("nan")
        case "huge":
            told |= {"current_step": 10**40, "eta_seconds": 1e300, "current_epoch": -1}
        case "envelope":
            return {"status": "COMPLETED", "output": told}
        case "unknown state" if told["status"] == "running":
            told["status"] = "REHYDRATING"
    return told
