"""The task that tells people. Nudged after events were written; Beat's run finds what a lost nudge left."""

from celery import shared_task

from notifications import dispatch

BATCH = 500


@shared_task(name="notifications.deliver_events")
def deliver_events(everything: bool = False) -> None:
    while dispatch.dispatch_pending(limit=BATCH, everything=everything) >= BATCH:
        pass
