"""A cluster of a bare socket that says what a test tells it to say, for answers that no honest cluster gives."""

import json
import socket
from typing import Any

from tests.contracts.wire import Request, Script, Wire, hang_up, reply

Json = dict[str, Any]

KEY = "the-key-of-this-cluster"


class ScriptedCluster:
    """Level 1 without `features`. `jobs` are its statuses by external id; `scripts` answer instead, by path."""

    def __init__(self) -> None:
        self.features: list[str] | None = None
        self.jobs: dict[str, Json] = {}
        self.listed: list[Json] = []
        self.scripts: dict[str, Script] = {}
        self.wire = Wire(self._answer)

    @property
    def url(self) -> str:
        return self.wire.url

    def says(self, external_id: str, state: str = "running", **status: Any) -> None:
        """From now on this is the status of that job."""
        self.jobs[external_id] = {"external_job_id": external_id, "status": state, **status}

    def asked(self, path: str) -> list[Request]:
        """The requests whose path begins so."""
        return [request for request in self.wire.requests if request.path.startswith(path)]

    def submits(self) -> list[Json]:
        """The bodies of all submits, with their key."""
        return [
            {**request.json(), "key": request.headers.get("idempotency-key")}
            for request in self.asked("/training/submit")
        ]

    def _answer(self, connection: socket.socket, request: Request) -> None:
        fitting = [path for path in self.scripts if request.path.startswith(path)]
        script = self.scripts[max(fitting, key=len)] if fitting else self._honest(request)
        script(connection, request)

    def _honest(self, request: Request) -> Script:
        _, _, what, *rest = request.path.split("/")
        match what, rest:
            case "capabilities", _:
                return reply(404) if self.features is None else reply(200, self._capabilities())
            case "submit", _:
                return self._take(request.json())
            case "status", [external_id]:
                known = self.jobs.get(external_id)
                return reply(404, {"code": "unknown_job"}) if known is None else reply(200, known)
            case "status", []:
                asked = [job["id"] for job in request.json()["jobs"]]
                known_jobs = [self.jobs[name] for name in asked if name in self.jobs]
                return reply(200, {"jobs": known_jobs, "missing": [name for name in asked if name not in self.jobs]})
            case "jobs", _:
                return reply(200, {"jobs": self.listed})
            case "cancel", [external_id]:
                return reply(200, {}) if external_id in self.jobs else reply(404, {"code": "unknown_job"})
            case _:
                return reply(404)

    def _capabilities(self) -> Json:
        return {"api_version": 2, "features": self.features}

    def _take(self, order: Json) -> Script:
        external_id = f"run-{len(self.jobs) + 1}"
        self.says(external_id, "queued")
        self.listed.append({"external_job_id": external_id, "job_id": order["job_id"], "status": "queued"})
        return reply(201, {"external_job_id": external_id})

    def takes_and_hangs_up(self) -> None:
        """A submit is taken, but its answer never arrives."""

        def script(connection: socket.socket, request: Request) -> None:
            self._take(json.loads(request.body))
            hang_up(connection, request)

        self.scripts["/training/submit"] = script


def refusing(status: int, *, code: str = "refused", **headers: str) -> Script:
    """A refusal with a reason."""
    return reply(status, {"title": "Not now", "code": code}, **headers)
