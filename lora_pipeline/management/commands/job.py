"""`manage.py job ID` shows one job with its last points, its timeline and what its owner was told.

It lies here and not in jobs/, since jobs knows nothing of notifications.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs.models import JobEvent, MetricsPoint, TrainingJob
from notifications.models import Notification

LAST_POINTS = 10


class Command(BaseCommand):
    help = "Shows one job, by its id or the first characters of it, as lists and logs show them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", help="id of the job, or how it begins")

    def handle(self, *args: Any, **options: Any) -> None:
        job = _find(options["id"].strip().lower())
        cost = job.current_cost if job.final_cost is None else job.final_cost
        metrics = ", ".join(f"{name} {value:.6g}" for name, value in job.current_metrics.items() if value is not None)
        gpus = f"{job.gpu_config['count']} x {job.gpu_config['type']}"
        price = "no price" if job.gpu_price_per_hour is None else f"${job.gpu_price_per_hour}/GPU h"
        facts = {
            "Job": f"{job.pk}  {job.name}",
            "Owner": job.owner.get_username(),
            "Status": f"{job.status} ({job.current_stage}), {job.progress:.1f}%",
            "Epoch, step": f"{job.current_epoch} of {job.total_epochs}, {job.current_step} of {job.total_steps}",
            "Waits for": job.waiting_for,
            "Error": f"{job.error_code}: {job.error_message}" if job.error_code else "",
            "Dataset": job.dataset.name,
            "Base model": job.base_model.name,
            "GPUs": f"{gpus}, {price}",
            "Cost": f"${cost}" + (" (by our own clock)" if job.cost_is_estimate else ""),
            "Cluster": f"{job.cluster}, attempt {job.attempt}, external id {job.external_job_id or 'none'}",
            "Metrics": metrics,
        }
        for name, value in facts.items():
            if value:
                self._line(f"{name + ':':<13}{value}")
        self._section("Last points", _points(job))
        self._section("Timeline", [_event(event) for event in JobEvent.objects.filter(job=job).order_by("id")])
        told = Notification.objects.filter(delivery__job_event__job=job).order_by("created_at").distinct()
        self._section("Notifications", [f"{_time(row.created_at)}  {row.priority:<6}  {row.title}" for row in told])

    def _section(self, title: str, lines: list[str]) -> None:
        self.stdout.write(f"\n{title}")
        for line in lines or ["none"]:
            self._line(f"  {line}")

    def _line(self, text: str) -> None:
        # Names and messages may hold anything; a terminal must not obey it.
        self.stdout.write("".join(letter if letter.isprintable() else "?" for letter in text))


def _find(start: str) -> TrainingJob:
    jobs = TrainingJob.objects.select_related("owner", "dataset", "base_model").order_by("id")
    found = list(jobs.filter(id__istartswith=start)[:6])
    if not found:
        raise CommandError(f"No job's id begins with {start}. `manage.py jobs` lists them.")
    if len(found) > 1:
        ids = "\n".join(f"  {job.pk}  {job.name}" for job in found[:5])
        more = "\n  …" if len(found) > 5 else ""
        raise CommandError(f"Several jobs' ids begin with {start}; give more of it:\n{ids}{more}")
    return found[0]


def _points(job: TrainingJob) -> list[str]:
    rows = MetricsPoint.objects.filter(job=job).order_by("-attempt", "-restart", "-step")[:LAST_POINTS]
    return [
        f"{point.attempt}.{point.restart} step {point.step:>8}  "
        f"training {_number(point.training_loss)}  validation {_number(point.validation_loss)}  "
        f"lr {_number(point.learning_rate)}"
        for point in reversed(rows)
    ]


def _event(event: JobEvent) -> str:
    change = f"{event.from_status or 'new'} -> {event.to_status}" if event.to_status else event.kind
    return f"{_time(event.created_at)}  {change:<26}  {event.actor:<16}  {event.message}"


def _time(value: Any) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}"


def _number(value: float | None) -> str:
    return f"{'-' if value is None else format(value, '.6g'):>12}"
