"""`bin/chaos`: many jobs, real processes, and everything that can go wrong; then it counts.

    bin/chaos                                   fifty jobs on PostgreSQL, about a quarter of an hour
    bin/chaos --jobs 200 --minutes 30 --seed 7 --database sqlite
    bin/chaos --short                           what bin/test runs

The exit code is 0 when nothing remained, nothing was there twice and everything adds up. The same seed gives the same
plan. What was done when is in chaos.log; a run that went well leaves it only where --keep says.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from lora_pipeline.devstack.stack import sparing_loopback
from tests.chaos import plan as plans
from tests.chaos.run import run


def main(arguments: list[str]) -> int:
    asked = _parser().parse_args(arguments)
    os.environ.update(sparing_loopback(os.environ))
    if asked.short:
        plan = plans.short(seed=asked.seed, jobs=asked.jobs or 12, database=asked.database)
    else:
        plan = plans.long(seed=asked.seed, jobs=asked.jobs or 50, seconds=asked.minutes * 60, database=asked.database)
    folder = asked.keep or Path(tempfile.mkdtemp(prefix="chaos-"))
    print(f"{len(plan.stories)} jobs, {len(plan.troubles)} troubles in {plan.calm_after:.0f} s, seed {asked.seed}")
    print(f"Logs and data are in {folder}")
    outcome = run(
        folder.resolve(),
        plan,
        database=asked.database,
        level=asked.level,
        patience_s=asked.patience,
        echo=lambda line: print(line, flush=True),
    )
    for line in outcome.report():
        print(line, flush=True)
    if outcome.is_good and asked.keep is None:
        shutil.rmtree(folder)
    return 0 if outcome.is_good else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bin/chaos", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--jobs", type=int, help="how many are created (default 50; 12 in the short form)")
    parser.add_argument("--seed", type=int, default=1, help="of the plan (default 1)")
    parser.add_argument("--minutes", type=float, default=10, help="how long there is trouble (default 10)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument("--level", type=int, choices=(1, 2), default=2, help="of the cluster API (default 2)")
    parser.add_argument("--short", action="store_true", help="one trouble of each kind within a minute")
    parser.add_argument(
        "--patience", type=float, default=1200, help="seconds for the work to end afterwards (default 1200)"
    )
    parser.add_argument("--keep", type=Path, help="where logs and data are kept (default: nowhere)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
