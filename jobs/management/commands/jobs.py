"""`manage.py jobs` lists all jobs, newest first, for operators."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from jobs.models import TrainingJob
from jobs.states import Status

COLUMNS = "{:<8}  {:<12}  {:<22}  {:>8}  {:>10}  {:<16}  {}"


class Command(BaseCommand):
    help = "Lists jobs: id, status, stage, progress, cost, owner, name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        choices = [status.value for status in Status]
        parser.add_argument("--status", action="append", choices=choices, help="only these (may be repeated)")
        parser.add_argument("--limit", type=int, default=100, help="at most so many (default 100)")
        parser.add_argument("--json", action="store_true", help="one JSON document for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        jobs = TrainingJob.objects.select_related("owner").order_by("-created_at")
        if options["status"]:
            jobs = jobs.filter(status__in=options["status"])
        shown = list(jobs[: max(0, options["limit"])])
        if options["json"]:
            self.stdout.write(json.dumps([_as_json(job) for job in shown], indent=2, ensure_ascii=False))
            return
        self.stdout.write(COLUMNS.format("ID", "STATUS", "STAGE", "PROGRESS", "COST", "OWNER", "NAME"))
        for job in shown:
            self.stdout.write(_as_line(job))
        total = jobs.count()
        if total > len(shown):
            self.stdout.write(f"{len(shown)} of {total} jobs; --limit shows more.")


def _cost(job: TrainingJob) -> float:
    return float(job.current_cost if job.final_cost is None else job.final_cost)


def _as_line(job: TrainingJob) -> str:
    # A stage or a name may hold anything; a terminal must not obey it.
    stage, name = (
        "".join(letter if letter.isprintable() else "?" for letter in text) for text in (job.current_stage, job.name)
    )
    progress, cost = f"{job.progress:.1f}%", f"${_cost(job):.2f}"
    return COLUMNS.format(job.short_id, job.status, stage, progress, cost, job.owner.get_username(), name)


def _as_json(job: TrainingJob) -> dict[str, Any]:
    return {
        "id": str(job.pk),
        "status": job.status,
        "stage": job.current_stage,
        "progress": job.progress,
        "cost": _cost(job),
        "owner": job.owner.get_username(),
        "name": job.name,
    }
