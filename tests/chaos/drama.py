"""A plan on its stage: users act, things go wrong, and everybody waits until all is quiet again."""

import sqlite3
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil
import psycopg
import requests
from redis import RedisError

from lora_pipeline.devstack.client import ApiError
from tests.chaos import rows, troubles
from tests.chaos.diary import Diary
from tests.chaos.people import Ledger, Person
from tests.chaos.plan import OWNERS, Plan, Trouble
from tests.chaos.site import Site

_BEAT_S = 0.1
# What a stopped cluster was sent, it takes when it goes on: staff look after that.
_LOOK_AFTER_S = 10
# How a trouble ends that another one has forestalled: what it was to hit is down.
_IMPOSSIBLE = (OSError, requests.RequestException, sqlite3.OperationalError, RedisError, psutil.Error)


@dataclass
class Drama:
    """A plan on its stage."""

    site: Site
    plan: Plan
    diary: Diary
    ledger: Ledger = field(default_factory=Ledger)
    _people: list[Person] = field(default_factory=list)
    _ends: list[tuple[str, float]] = field(default_factory=list)
    _signs: list[float] = field(default_factory=list)
    _fates: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _unknown_fates: set[str] = field(default_factory=set)

    @contextmanager
    def people(self, datasets: Mapping[str, str]) -> Iterator[None]:
        """Users act, and somebody watches how the jobs move, for the time of the block."""
        for owner in OWNERS:
            mine = [story for story in self.plan.stories if story.owner == owner]
            token = self.site.installation.users[owner]["token"]
            self._people.append(
                Person(
                    self.site.installation.url, token, datasets[owner], mine, self.ledger, self._afflict, self.diary.say
                )
            )
        over = threading.Event()
        watcher = threading.Thread(target=self._look, args=(over,), daemon=True)
        for thread in (*self._people, watcher):
            thread.start()
        try:
            yield
        finally:
            over.set()
            for person in self._people:
                person.give_up()
            for thread in (*self._people, watcher):
                thread.join()

    def act(self) -> None:
        """Let every trouble begin and end at its time."""
        started = time.monotonic()
        coming = sorted(self.plan.troubles, key=lambda trouble: trouble.at)
        present: list[tuple[Trouble, troubles.Lasting]] = []
        while coming or present:
            now = time.monotonic() - started
            for trouble, lasting in [each for each in present if each[0].until <= now]:
                present.remove((trouble, lasting))
                lasting.end()
                self._ended(trouble)
            while coming and coming[0].at <= now:
                trouble = coming.pop(0)
                if (lasting_ := self._begin(trouble)) is not None:
                    present.append((trouble, lasting_))
            self.site.watch()
            time.sleep(_BEAT_S)

    def drain(self, patience_s: float) -> bool:
        """Wait until nobody wants anything and nothing is on its way any more; whether that came about in time."""
        self.diary.say("no more trouble; waiting for all work to end")
        deadline = time.monotonic() + patience_s
        settled_from = time.monotonic() + _LOOK_AFTER_S
        left, said = "?", ""
        while time.monotonic() < deadline:
            self.site.watch()
            self._tell_fates()
            waiting = sum(not person.is_done.is_set() for person in self._people)
            left = rows.unfinished(self.site.database)
            if not waiting and not left:
                self.diary.say("all quiet")
                return True
            if self.site.cluster.level == 1 and time.monotonic() > settled_from:
                self._settle()
            text = f"left: {left or 'nothing'}; {waiting} users are busy"
            if text != said:
                self.diary.say(text)
            said = text
            time.sleep(0.5)
        self.diary.say(f"not quiet after {patience_s:.0f} s: {left}")
        return False

    def recoveries(self) -> dict[str, list[float]]:
        """By trouble: seconds from its end to the next sign of life of any job."""
        found: dict[str, list[float]] = defaultdict(list)
        for name, end in self._ends:
            later = [sign for sign in self._signs if sign > end]
            if later:
                found[name].append(min(later) - end)
        return found

    def _begin(self, trouble: Trouble) -> troubles.Lasting | None:
        self.diary.say(f"{trouble.name} for {trouble.lasts:g} s")
        try:
            return troubles.begin(trouble, self.site)
        except _IMPOSSIBLE as error:
            self.diary.say(f"{trouble.name} was not possible: {error}")  # another trouble was there first
            return None

    def _ended(self, trouble: Trouble) -> None:
        self._ends.append((trouble.name, time.time()))
        self.diary.say(f"{trouble.name} is over")
        if trouble.of == "gpu-node":
            self._unknown_fates.update(self._fates)

    def _afflict(self, job_id: str, mishap: Mapping[str, Any]) -> None:
        """Something will go wrong with this job's run. A node forgets that when it is killed, so it is noted here."""
        self._fates[job_id] = mishap
        self._unknown_fates.add(job_id)
        self._tell_fates()

    def _tell_fates(self) -> None:
        """Let the node know what it does not know yet; when it is down or stopped, later."""
        for job_id in list(self._unknown_fates):
            rule = {"route": "job", "job_id": job_id, "times": 1, "effect": {"outcome": dict(self._fates[job_id])}}
            try:
                self.site.cluster.call("POST", "/faults", json=rule)
            except requests.RequestException:
                return
            self._unknown_fates.discard(job_id)

    def _look(self, over: threading.Event) -> None:
        """Note signs of life as they are seen."""
        while not over.wait(0.25):
            try:
                sign = rows.last_sign_of_life(self.site.database)
            except (sqlite3.Error, psycopg.Error):
                continue  # it is down or paused
            if sign and (not self._signs or sign > self._signs[-1]):
                self._signs.append(sign)

    def _settle(self) -> None:
        """What staff do at level 1 about submissions that nobody confirmed: look at the cluster, and say so."""
        listed = {job.job_id: job for job in rows.node_jobs(self.site.cluster.state)}
        operator = self.site.installation.api("operator")
        for row in rows.read(self.site.database).jobs:
            if row["status"] not in ("queued", "cancelling") or row["current_stage"] != "submission_unconfirmed":
                continue
            theirs, address = listed.get(row["id"]), f"jobs/{uuid.UUID(row['id'])}"
            try:
                if theirs is None:
                    operator.post(f"{address}/declare-not-started", {})
                else:
                    operator.post(f"{address}/attach", {"external_job_id": theirs.external_id})
            except ApiError as error:  # asked again in a moment
                self.diary.say(f"could not settle {row['id']}: {error}")
