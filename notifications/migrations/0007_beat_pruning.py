"""Seed Beat's row for old deliveries once; from then on it belongs to the operator (admin, Periodic tasks)."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

NAME = "Forget old deliveries"


def seed(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    interval_model = apps.get_model("django_celery_beat", "IntervalSchedule")
    daily = interval_model.objects.filter(every=1, period="days").first()
    if daily is None:
        daily = interval_model.objects.create(every=1, period="days")
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name=NAME,
        defaults={
            "task": "notifications.prune_deliveries",
            "interval": daily,
            # Nothing piles up while workers are down.
            "expire_seconds": 43_200,
            "description": "Deletes what was sent, or given up, longer ago than DELIVERIES_KEEP_DAYS.",
        },
    )


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0006_gathering_and_pruning"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
