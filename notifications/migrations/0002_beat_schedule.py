"""Seed Beat's row for deliveries once; from then on it belongs to the operator (admin, Periodic tasks)."""

import json

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

NAME = "Tell users about events"


def seed(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    interval_model = apps.get_model("django_celery_beat", "IntervalSchedule")
    every_30_s = interval_model.objects.filter(every=30, period="seconds").first()
    if every_30_s is None:
        every_30_s = interval_model.objects.create(every=30, period="seconds")
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name=NAME,
        defaults={
            "task": "notifications.deliver_events",
            "interval": every_30_s,
            "kwargs": json.dumps({"everything": True}),
            # Nothing piles up while workers are down.
            "expire_seconds": 30,
            "description": "Finds events that a lost nudge left undelivered.",
        },
    )


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
