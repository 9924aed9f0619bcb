"""One run of chaos: start everything, let users and trouble loose, wait until all is quiet, count."""

import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

from lora_pipeline.devstack.places import ROOT
from tests.chaos import rows, site
from tests.chaos.audit import Asked, Points, Theirs, audit
from tests.chaos.diary import Diary
from tests.chaos.drama import Drama
from tests.chaos.outcome import Outcome
from tests.chaos.plan import OWNERS, Plan
from tests.chaos.site import Site

_PAGE = 5000
# So that an error of a millisecond is a cent.
_PRICE = "4000"
_SET_PRICE = f"from jobs.models import GpuPrice; GpuPrice.objects.update(price_per_hour={_PRICE})"


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
        before = running.sizes()
        drama = Drama(running, plan, diary)
        with drama.people(datasets):
            drama.act()
            is_quiet = drama.drain(patience_s)
        after = running.sizes()
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
            (before, after),
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
        asked = {"after": after, "limit": _PAGE}
        page = cluster.call("GET", f"/training/metrics/{external_id}", patience_s=60, params=asked)
        for point in page["points"]:
            known = found[point["restart"], point["step"]]
            known.update({name: value for name, value in point["values"].items() if value is not None})
        after, has_more = page["next"], page["has_more"]
    return found
