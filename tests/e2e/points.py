"""Puts points into a job of a running installation, as polls store them: `python -m tests.e2e.points JOB`.

Step 1,000 to 6,999: a noisy loss with one spike at 4,321, two zeros, a gap from 3,000 to 3,099, validation every 500.
The spike and the first zero were found by the sentinel.
"""

import os
import subprocess
import sys
from typing import Any

from tests.e2e.installation import Installation

FIRST, LAST, SPIKE, ZEROS, GAP = 1000, 6999, 4321, (5000, 5500), range(3000, 3100)


def put(installation: Installation, job: dict[str, Any]) -> None:
    """In a process of its own: the installation has its own settings and database."""
    environment = {**os.environ, **installation.stack.settings, "DJANGO_SETTINGS_MODULE": "lora_pipeline.settings"}
    subprocess.run([sys.executable, "-m", __name__, job["id"]], check=True, env=environment, timeout=120)


def loss(step: int) -> float | None:
    """What the run reports for a step."""
    if step in GAP:
        return None
    if step in ZEROS:
        return 0.0
    return 40.0 if step == SPIKE else 2000 / step + (step * 7919 % 1000) / 5000


def main(job_id: str) -> None:
    import django

    django.setup()
    from datetime import timedelta

    from django.utils import timezone

    from jobs import metrics
    from jobs.clusters.base import Point
    from jobs.models import TrainingJob

    job, now = TrainingJob.objects.get(pk=job_id), timezone.now()
    for chunk in range(FIRST, LAST + 1, 1000):
        points = [
            Point(
                step=step,
                epoch=step / 1000,
                at=now + timedelta(seconds=step),
                values={
                    "training_loss": loss(step),
                    "validation_loss": 2500 / step if step % 500 == 0 else None,
                    "learning_rate": 2e-4,
                    "gradient_norm": 1 + step % 7 / 10,
                    "throughput": 5000.0 + step % 100,
                    "gpu_utilization": 90.0 + step % 10,
                },
            )
            for step in range(chunk, chunk + 1000)
        ]
        metrics.store([metrics.Page(job, job.attempt, points)], now=now)
    job.warnings = [
        {"code": f"sentinel_{kind}", "message": "Look at the loss.", "step": step}
        for kind, step in (("spike", SPIKE), ("zero_loss", ZEROS[0]))
    ]
    job.save(update_fields=["metrics_count", "metrics_version", "warnings"])


if __name__ == "__main__":
    main(sys.argv[1])
