"""Operators hear of an orphan once; Beat's row for the sweep that looks for them, which then belongs to the operator."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

SECONDS = 300


def seed(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    intervals = apps.get_model("django_celery_beat", "IntervalSchedule").objects
    interval = intervals.filter(every=SECONDS, period="seconds").first() or intervals.create(
        every=SECONDS, period="seconds"
    )
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name="Look for orphans",
        defaults={
            "task": "jobs.sweep_orphans",
            "interval": interval,
            "expire_seconds": SECONDS,
            "description": "Stops what clusters still run for jobs that have ended, and reports what no job knows.",
        },
    )


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0009_breakers"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(kind__in=["orphan_found", "orphan_stopped"]),
                fields=("kind", "subject"),
                name="orphan_told_once",
            ),
        ),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
