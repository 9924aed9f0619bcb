"""The tasks that tell people. Nudged after events were written; Beat's runs find what a lost nudge left."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from datasets.nudges import nudge
from notifications import dispatch, gathering, pruning, sending

BATCH = 500


@shared_task(name="notifications.deliver_events")
def deliver_events(everything: bool = False) -> None:
    while dispatch.dispatch_pending(limit=BATCH, everything=everything) >= BATCH:
        pass
    gathering.gather()
    if sending.is_due():
        nudge(send_due)


@shared_task(name="notifications.send_due")
def send_due() -> None:
    sending.send_due()


@shared_task(name="notifications.prune_deliveries")
def prune_deliveries() -> None:
    pruning.prune(now=timezone.now(), keep=timedelta(days=settings.DELIVERIES_KEEP_DAYS))
