"""The middleware that lets faults happen: behind the key check, in front of the API."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gpu_node.book import UnknownJob
from gpu_node.clock import Clock
from gpu_node.connections import Connections
from gpu_node.executor import RunOrder
from gpu_node.faults.answer import Answer, catch, changed, linger, made_up, pause, send_answer
from gpu_node.faults.journal import Journal
from gpu_node.faults.rules import ADMISSION, JOB, ROUTES, Rule, RuleBook
from gpu_node.node import Node
from gpu_node.simulated.mishaps import Mishap
from gpu_node.spec import JobSpec


class Faults:
    """What the door, its routes, the reception and the executor share."""

    def __init__(self, state_dir: Path, clock: Clock, connections: Connections) -> None:
        self.book = RuleBook()
        self.journal = Journal(state_dir / "journal.jsonl", clock)
        self.connections = connections

    def fate(self, order: RunOrder) -> tuple[Mishap, ...]:
        """What will go wrong with a run that begins now."""
        return tuple(rule.effect.mishap() for rule in self.book.struck(JOB, {order.run_id, order.job_id}))

    async def admission(self, spec: JobSpec) -> None:
        """Lets an order wait at the door, its key in flight."""
        for rule in self.book.struck(ADMISSION, {spec.job_id}):
            await pause(rule.effect.admit_after_s or 0.0, self.connections.closing)


class FaultDoor:
    """ASGI middleware; `routes` tells which call a request is."""

    def __init__(self, app: ASGIApp, faults: Faults, node: Node, routes: Sequence[Route]) -> None:
        self._app = app
        self._faults = faults
        self._node = node
        self._routes = [route for route in routes if route.name in ROUTES]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name, external_id = self._call(scope) if scope["type"] == "http" else (None, None)
        if name is None:
            await self._app(scope, receive, send)
            return
        content = await Request(scope, receive).body()
        sent = _decode(content)
        rules = self._faults.book.struck(name, self._ids(scope, name, external_id, sent))
        answer = await self._answer(scope, receive, content, rules)
        self._note(name, external_id, scope, sent, answer)
        await self._send(answer, rules, scope, receive, send)

    async def _answer(
        self, scope: Scope, receive: Receive, content: bytes, rules: list[Rule]
    ) -> Answer | None:
        """The node's own answer, or None when a rule keeps the request from it."""
        if any(rule.effect.answers_alone for rule in rules):
            return None
        return await catch(self._app, scope, _replay(content, receive))

    async def _send(
        self, answer: Answer | None, rules: list[Rule], scope: Scope, receive: Receive, send: Send
    ) -> None:
        for rule in rules:
            effect = rule.effect
            if effect.hang_s is not None:
                await linger(effect.hang_s, receive, self._faults.connections.closing)
            if effect.reset or effect.hang_s is not None:
                self._faults.connections.reset(scope["client"])
                return
        for rule in rules:
            if rule.effect.answers_alone:
                answer = made_up(rule.effect)
                break
            if answer is not None:
                answer = changed(answer, rule)
        drip = next((rule.effect.drip for rule in rules if rule.effect.drip is not None), None)
        await send_answer(answer or Answer(500), receive, send, drip, self._faults.connections.closing)

    def _call(self, scope: Scope) -> tuple[str | None, str | None]:
        for route in self._routes:
            match, found = route.matches(scope)
            if match is Match.FULL:
                return route.name, found["path_params"].get("external_id")
        return None, None

    def _ids(self, scope: Scope, name: str, external_id: str | None, sent: Any) -> set[str]:
        """All names under which a rule may mean the jobs of this call."""
        ids = {external_id} if external_id else set()
        if name == "submit" and isinstance(sent, dict):
            ids.add(str(sent.get("job_id")))
        if name == "batch" and isinstance(sent, dict) and isinstance(sent.get("jobs"), list):
            ids |= {str(entry.get("id")) for entry in sent["jobs"] if isinstance(entry, dict)}
        if name == "lookup":
            wanted = Request(scope).query_params.get("job_id")
            ids |= {wanted} if wanted else {job.external_id for job in self._node.active()}
        for known in list(ids):
            try:
                ids.add(self._node.get(known).spec.job_id)
            except UnknownJob:
                continue
        return ids

    def _note(
        self, name: str, external_id: str | None, scope: Scope, sent: Any, answer: Answer | None
    ) -> None:
        if name not in {"submit", "cancel"}:
            return
        code = answer.code if answer else None
        if name == "cancel":
            self._faults.journal.note("cancel", external_job_id=external_id, body=sent, code=code)
            return
        told = answer.json() if answer else None
        order = sent if isinstance(sent, dict) else {}
        self._faults.journal.note(
            "submit",
            job_id=order.get("job_id"),
            attempt=order.get("attempt"),
            key=Request(scope).headers.get("idempotency-key"),
            external_job_id=told.get("external_job_id") if isinstance(told, dict) else None,
            code=code,
        )


def _decode(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _replay(content: bytes, receive: Receive) -> Receive:
    """Gives the application the body that was read already."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": content, "more_body": False}

    return replay
