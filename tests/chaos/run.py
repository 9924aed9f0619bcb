"""One run of chaos: start everything, let users and trouble loose, wait until all is quiet, count."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any

import psutil
import psycopg
import requests
from redis import RedisError

from lora_pipeline.devstack.places import ROOT
from tests.chaos import rows, site, troubles
from tests.chaos.audit import DUPLICATE, REMAINING, Asked, Audit, Points, Theirs, audit, table
from tests.chaos.people import Ledger, Person
from tests.chaos.plan import OWNERS, Plan, Trouble
from tests.chaos.site import Site

_BEAT_S = 0.1
_PAGE = 5000
# So that an error of a millisecond is a cent.
_PRICE = "4000"
_SET_PRICE = f"from jobs.models import GpuPrice; GpuPrice.objects.update(price_per_hour={_PRICE})"


# How a trouble ends that another one has forestalled: what it was to hit is down.
_IMPOSSIBLE = (OSError, requests.RequestException, sqlite3.OperationalError, RedisError, psutil.Error)


class Diary:
    """What was done when, in a file; `say` may be called from any thread."""

    def __init__(self, path: Path, echo: Callable[[str], object] = lambda line: None) -> None:
        self.path = path
        self._echo = echo
        self._lock = threading.Lock()
        self._started = time.monotonic()

    def say(self, text: str) -> None:
        now = datetime.now(UTC)
        with self._lock, self.path.open("a") as file:
            file.write(
                f"{now:%H:%M:%S}.{now.microsecond // 1000:03d} {time.monotonic() - self._started:7.1f} s  {text}\n"
            )
        self._echo(f"{time.monotonic() - self._started:6.1f} s  {text}")


@dataclass
class Outcome:
    """What a run came to."""

    audit: Audit
    ledger: Ledger
    deaths: Mapping[str, int]
    recoveries: Mapping[str, list[float]]
    seconds: float
    diary: Path
    is_quiet: bool

    @property
    def is_good(self) -> bool:
        return self.audit.is_good and not self.ledger.refusals

    def report(self) -> Iterator[str]:
        """The table, what is wrong and where to look, and the two lines."""
        yield from table(self.audit.lines)
        failures = sum(self.ledger.failures.values())
        kinds = ", ".join(f"{kind} {number}" for kind, number in sorted(self.ledger.failures.items()))
        yield f"  requests asked again: {failures}{f' ({kinds})' if kinds else ''}"
        yield f"  slowest request: {self.ledger.slowest_s:.1f} s ({self.ledger.slowest})"
        yield f"  processes that ended by themselves: {dict(self.deaths) or 'none'}"
        yield f"  wall clock: {self.seconds:.0f} s"
        if self.recoveries:
            yield "  seconds from the end of a trouble until a job was heard of again (median, longest, times):"
        for name, all_ in sorted(self.recoveries.items()):
            yield f"    {name:<24} {median(all_):6.1f} {max(all_):6.1f} {len(all_):4d}"
        for finding in self.audit.findings:
            yield f"{finding.kind.upper()}: {finding.what}"
        for refusal in self.ledger.refusals:
            yield f"REFUSED: {refusal}"
        if not self.is_good:
            yield f"What was done when is in {self.diary}; each process's log lies beside it in logs/."
        yield f"Remaining unprocessed: {self.audit.count(REMAINING)}"
        yield f"Duplicates found: {self.audit.count(DUPLICATE)}"


def run(
    folder: Path,
    plan: Plan,
    *,
    database: str,
    level: int,
    patience_s: float,
    echo: Callable[[str], object] = lambda line: None,
) -> Outcome:
    """Act the plan out in `folder`, and count; `patience_s` is how long the work may take to end after the trouble."""
    folder.mkdir(parents=True, exist_ok=True)
    diary = Diary(folder / "chaos.log", echo)
    started = time.monotonic()
    diary.say(f"starting on {database}, level {level}")
    with site.running(folder, database=database, level=level, say=diary.say) as running:
        datasets = _prepared(running)
        drama = Drama(running, plan, diary)
        with drama.people(datasets):
            drama.act()
            is_quiet = drama.drain(patience_s)
        diary.say("counting")
        theirs = Theirs(level, list(rows.node_jobs(running.cluster.state)))
        if level > 1:
            paid = [job.external_id for job in theirs.jobs if job.was_paid]
            theirs = Theirs(level, theirs.jobs, {id: _points(running.cluster, id) for id in paid})
        asked = Asked({key: frozenset(ids) for key, ids in drama.ledger.answers.items()})
        counted = audit(rows.read(running.database), theirs, asked, now=time.time())
        return Outcome(
            counted,
            drama.ledger,
            MappingProxyType(running.deaths),
            drama.recoveries(),
            time.monotonic() - started,
            diary.path,
            is_quiet,
        )


def _prepared(running: Site) -> dict[str, str]:
    """Prices that show every millisecond, and a dataset for each owner: owner -> its id."""
    installation = running.installation
    environment = dict(installation.stack.preparation.environment)
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", _SET_PRICE], cwd=ROOT, env=environment, check=True
    )
    made = {owner: installation.dataset(owner, f"{owner} sums") for owner in OWNERS}
    return {owner: str(installation.await_ready(owner, dataset)["id"]) for owner, dataset in made.items()}


def _points(cluster: site.Node, external_id: str) -> Points:
    """All that the node still has of a run, by (restart, step)."""
    found: dict[tuple[int, int], dict[str, float | None]] = defaultdict(dict)
    after, has_more = 0, True
    while has_more:
        page = cluster.call("GET", f"/training/metrics/{external_id}", params={"after": after, "limit": _PAGE})
        for point in page["points"]:
            known = found[point["restart"], point["step"]]
            known.update({name: value for name, value in point["values"].items() if value is not None})
        after, has_more = page["next"], page["has_more"]
    return found


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
        left, said = "?", ""
        while time.monotonic() < deadline:
            self.site.watch()
            self._renew_fates()
            waiting = sum(not person.is_done.is_set() for person in self._people)
            left = rows.unfinished(self.site.database)
            if not waiting and not left:
                self.diary.say("all quiet")
                return True
            if self.site.cluster.level == 1:
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
            self._renew_fates()

    def _afflict(self, job_id: str, mishap: Mapping[str, Any]) -> None:
        """Something will go wrong with this job's run. A node forgets that when it is killed, so it is noted here."""
        self._fates[job_id] = mishap

    def _renew_fates(self) -> None:
        for job_id, mishap in list(self._fates.items()):
            rule = {"route": "job", "job_id": job_id, "times": 1, "effect": {"outcome": dict(mishap)}}
            try:
                self.site.cluster.call("POST", "/faults", json=rule)
            except requests.RequestException:
                return
            del self._fates[job_id]

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
            theirs = listed.get(row["id"])
            try:
                if theirs is None:
                    operator.post(f"jobs/{row['id']}/declare-not-started", {})
                else:
                    operator.post(f"jobs/{row['id']}/attach", {"external_job_id": theirs.external_id})
            except Exception as error:
                self.diary.say(f"could not settle {row['id']}: {error}")
