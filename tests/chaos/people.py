"""The users: each acts out the stories of their jobs through the API, and asks again until there is an answer.

A request that makes something carries an Idempotency-Key, so that asking again is safe; what was answered is kept
for the counting.
"""

import heapq
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.chaos.plan import Story

_PATIENCE_S = 15
_AGAIN_AFTER_S = 1.0
_ENDED = {"completed", "failed", "cancelled"}

Afflict = Callable[[str, Mapping[str, Any]], None]


@dataclass
class Ledger:
    """What users asked for and were told. `failures` counts calls without a usable answer, by what came instead."""

    answers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    cancels: set[str] = field(default_factory=set)
    failures: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    refusals: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    slowest: str = ""

    def time(self, what: str, seconds: float) -> None:
        if seconds > self.slowest_s:
            self.slowest, self.slowest_s = what, seconds


@dataclass(order=True)
class _Act:
    at: float
    number: int
    do: Callable[[], float | None] = field(compare=False)
    """Returns in how many seconds it wants to be done again; None: it is done."""


class Person(threading.Thread):
    """One user at work; everything is done one after the other, as one person does it."""

    def __init__(
        self,
        base_url: str,
        token: str,
        dataset_id: str,
        stories: Iterable[Story],
        ledger: Ledger,
        afflict: Afflict,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(daemon=True)
        self.is_done = threading.Event()
        self._base_url = base_url
        self._token = token
        self._dataset_id = dataset_id
        self._ledger = ledger
        self._afflict = afflict
        self._say = say
        self._enough = threading.Event()
        self._acts: list[_Act] = []
        self._made = 0
        self._began = time.monotonic()
        for story in stories:
            self._plan(story.at, lambda story=story: self._create(story))  # type: ignore[misc]

    def give_up(self) -> None:
        """Do nothing more."""
        self._enough.set()

    def run(self) -> None:
        while self._acts and not self._enough.is_set():
            act = heapq.heappop(self._acts)
            if self._enough.wait(max(act.at - self._now(), 0)):
                return
            again = act.do()
            if again is not None:
                self._plan(self._now() + again, act.do)
        self.is_done.set()

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _plan(self, at: float, do: Callable[[], float | None]) -> None:
        self._made += 1
        heapq.heappush(self._acts, _Act(at, self._made, do))

    def _create(self, story: Story) -> float | None:
        key = f"story-{story.number}"
        body = {
            "dataset_id": self._dataset_id,
            "name": key,
            "gpu_config": {"type": "H100-80GB", "count": 1 + story.number % 8},
            "hyperparameters": {"max_steps": story.steps},
        }
        job_id = self._make("jobs", body, key)
        if job_id is None:
            return _AGAIN_AFTER_S
        if story.posts_twice:
            self._plan(self._now() + 1, lambda: None if self._make("jobs", body, key) else _AGAIN_AFTER_S)
        if story.mishap is not None:
            self._afflict(job_id, story.mishap)
        if story.fate in ("cancelled", "kept"):
            self._plan(self._now() + story.then_after, lambda: self._cancel(job_id, story.fate == "kept"))
        if story.fate == "retried":
            self._plan(self._now() + 2, lambda: self._retry(job_id, key))
        return None

    def _cancel(self, job_id: str, keep_adapter: bool) -> float | None:
        answer = self._call("POST", f"jobs/{job_id}/cancel", json={"keep_adapter": keep_adapter})
        if answer is None:
            return _AGAIN_AFTER_S
        if answer.status_code == 409:
            return None  # it ended first
        if answer.status_code != 200:
            return self._refused("cancel", answer)
        self._ledger.cancels.add(uuid.UUID(job_id).hex)
        return None

    def _retry(self, job_id: str, key: str) -> float | None:
        """Once the job has ended; what completed needs no retry."""
        answer = self._call("GET", f"jobs/{job_id}")
        if answer is None or answer.status_code != 200:
            return _AGAIN_AFTER_S
        status = answer.json()["data"]["job"]["status"]
        if status not in _ENDED:
            return 2.0
        if status == "completed":
            return None
        return None if self._make(f"jobs/{job_id}/retry", {}, f"{key}-again") else _AGAIN_AFTER_S

    def _make(self, path: str, body: Mapping[str, Any], key: str) -> str | None:
        """The id of the job behind `key`; None when there was no answer yet."""
        answer = self._call("POST", path, json=body, headers={"Idempotency-Key": key})
        if answer is None:
            self._ledger.answers[key]  # asked for, not answered: it may have been made
            return None
        if answer.status_code not in (200, 201):
            self._refused(path, answer)
            return None
        job_id = str(answer.json()["data"]["job"]["id"])
        self._ledger.answers[key].add(uuid.UUID(job_id).hex)
        return job_id

    def _refused(self, what: str, answer: requests.Response) -> float:
        text = f"{what} was answered {answer.status_code}: {answer.text[:300]}"
        self._ledger.refusals.append(text)
        self._say(text)
        return _AGAIN_AFTER_S

    def _call(self, method: str, path: str, **arguments: Any) -> requests.Response | None:
        """An answer that means something; None after a timeout, a broken connection or a 5xx."""
        headers = {"Authorization": f"Bearer {self._token}", **arguments.pop("headers", {})}
        url = f"{self._base_url}/api/{path}"
        started = time.monotonic()
        try:
            answer = requests.request(
                method, url, headers=headers, timeout=_PATIENCE_S, allow_redirects=False, **arguments
            )
        except requests.RequestException as error:
            self._ledger.failures[type(error).__name__] += 1
            answer = None
        self._ledger.time(f"{method} {path.split('/')[0]}", time.monotonic() - started)
        if answer is not None and answer.status_code >= 500:
            self._ledger.failures[str(answer.status_code)] += 1
            return None
        return answer
