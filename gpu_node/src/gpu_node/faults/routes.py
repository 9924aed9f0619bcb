"""The doors' own URLs: make, list and lift faults; read the journal."""

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gpu_node.api.bodies import invalid, read_json
from gpu_node.clock import iso
from gpu_node.faults.door import Faults
from gpu_node.faults.rules import JOB, Rule
from gpu_node.jobs import Job
from gpu_node.node import Node
from gpu_node.problems import Problem
from gpu_node.simulated.executor import SimulatedExecutor
from gpu_node.spec import InvalidOrder


class FaultRoutes:
    """Endpoints over the shared faults; guarded by the same key as the API."""

    def __init__(self, faults: Faults, node: Node, executor: SimulatedExecutor) -> None:
        self._faults = faults
        self._node = node
        self._executor = executor

    def routes(self) -> list[Route]:
        return [
            Route("/faults", self.make, methods=["POST"]),
            Route("/faults", self.show, methods=["GET"]),
            Route("/faults", self.lift_all, methods=["DELETE"]),
            Route("/faults/journal", self.journal, methods=["GET"]),
            Route("/faults/{number:int}", self.lift, methods=["DELETE"]),
        ]

    async def make(self, request: Request) -> JSONResponse:
        """Adds a rule. An outcome hits its running job at once, other jobs when they begin."""
        try:
            rule = self._faults.book.add(await read_json(request))
        except InvalidOrder as error:
            raise invalid(error) from error
        if rule.route == JOB and rule.job_id is not None:
            for job in self._running():
                if rule.concerns({job.external_id, job.spec.job_id}) and rule.strike():
                    self._executor.afflict(job.external_id, rule.effect.mishap(), self._node.clock.now())
        return JSONResponse(_shown(rule), 201)

    async def show(self, request: Request) -> JSONResponse:
        return JSONResponse({"faults": [_shown(rule) for rule in self._faults.book.rules.values()]})

    async def lift(self, request: Request) -> JSONResponse:
        """Takes one rule back; what would have lasted for ever because of it ends."""
        rule = self._faults.book.rules.pop(request.path_params["number"], None)
        if rule is None:
            raise Problem(404, "unknown_fault", "Unknown fault", "No fault has this number.")
        self._relieve(rule)
        return JSONResponse(_shown(rule))

    async def lift_all(self, request: Request) -> JSONResponse:
        """Takes all rules back."""
        rules = list(self._faults.book.rules.values())
        self._faults.book.rules.clear()
        for rule in rules:
            self._relieve(rule)
        return JSONResponse({"lifted": len(rules)})

    async def journal(self, request: Request) -> JSONResponse:
        """Submits and cancels as they arrived (code null: a fault kept them out), and the paid jobs."""
        now = self._node.clock.now()
        return JSONResponse(
            {
                "submits": self._faults.journal.read("submit"),
                "cancels": self._faults.journal.read("cancel"),
                "paid": [_paid(job, now) for job in self._node.started()],
            }
        )

    def _running(self) -> list[Job]:
        return [job for job in self._node.active() if job.inputs is not None]

    def _relieve(self, rule: Rule) -> None:
        if rule.route == JOB:
            for job in self._running():
                if rule.concerns({job.external_id, job.spec.job_id}):
                    self._executor.relieve(job.external_id, self._node.clock.now())


def _shown(rule: Rule) -> dict[str, Any]:
    effect = {name: value for name, value in asdict(rule.effect).items() if value not in (None, False, {})}
    return asdict(rule) | {"effect": effect, "spent": rule.spent}


def _paid(job: Job, now: float) -> dict[str, Any]:
    return {
        "external_job_id": job.external_id,
        "job_id": job.spec.job_id,
        "attempt": job.spec.attempt,
        "status": job.status,
        "started_at": iso(job.started_at),
        "billable_seconds": round(job.billable_seconds(now), 3),
        "gpu_count": job.spec.gpu_count,
    }
