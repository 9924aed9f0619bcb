"""The short form of chaos: a dozen jobs, one trouble of each kind. `bin/chaos` is the long one."""

from pathlib import Path

import pytest

from tests.chaos import plan as plans
from tests.chaos.run import run

# Trouble takes less than a minute; then the breaker that it opened, and what backed off, have their time.
PATIENCE_SECONDS = 300


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_no_job_is_lost_paid_twice_or_lied_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = plans.short(seed=1, jobs=12, database="sqlite")
    outcome = run(tmp_path, plan, database="sqlite", level=2, patience_s=PATIENCE_SECONDS)
    report = "\n".join(outcome.report())
    with capsys.disabled():
        print(f"\n{report}")
    assert outcome.is_good, f"{report}\n{outcome.diary.read_text()}"
