"""The tasks that tell people. Nudged after events were written; Beat's runs find what a lost nudge left."""

from celery import shared_task

from datasets.nudges import nudge
from notifications import dispatch, sending

BATCH = 500


@shared_task(name="notifications.deliver_events")
def deliver_events(everything: bool = False) -> None:
    while dispatch.dispatch_pending(limit=BATCH, everything=everything) >= BATCH:
        pass
    if sending.is_due():
        nudge(send_due)


@shared_task(name="notifications.send_due")
def send_due() -> None:
    sending.send_due()
