"""Seed Beat's row for what is due (again) once; from then on it belongs to the operator (admin, Periodic tasks)."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

NAME = "Send e-mails and webhooks that are due"


def seed(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    interval_model = apps.get_model("django_celery_beat", "IntervalSchedule")
    every_10_s = interval_model.objects.filter(every=10, period="seconds").first()
    if every_10_s is None:
        every_10_s = interval_model.objects.create(every=10, period="seconds")
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name=NAME,
        defaults={
            "task": "notifications.send_due",
            "interval": every_10_s,
            # Nothing piles up while workers are down.
            "expire_seconds": 10,
            "description": "Tries again what failed, and finds what a lost nudge left unsent.",
        },
    )


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0003_ways_out"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
