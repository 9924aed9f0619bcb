"""Seed Beat's row for the processing cycle, and the datasets' sweep, once; afterwards they belong to the operator."""

from django.conf import settings
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

ROWS = [
    ("Process training jobs", "jobs.process_training_jobs", None, "Submits, polls, cancels and collects what is due."),
    ("Look at GPU clusters", "jobs.refresh_clusters", None, "Learns what clusters can do and which GPUs they have."),
    ("Sweep datasets", "datasets.sweep", 60, "Restarts validations whose messages or workers were lost."),
]


def seed(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    intervals = apps.get_model("django_celery_beat", "IntervalSchedule").objects
    tasks = apps.get_model("django_celery_beat", "PeriodicTask").objects
    for name, task, seconds, description in ROWS:
        every = seconds or settings.POLL_INTERVAL_SECONDS
        interval = intervals.filter(every=every, period="seconds").first() or intervals.create(
            every=every, period="seconds"
        )
        tasks.get_or_create(
            name=name,
            # A tick that nobody took in time is worthless: the next one finds the same rows.
            defaults={"task": task, "interval": interval, "expire_seconds": every, "description": description},
        )


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0002_catalog"),
        ("datasets", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
