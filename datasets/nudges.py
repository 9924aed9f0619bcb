"""Publishing a task: a *nudge*. The one way from a web request or a task to the workers.

Rows are the truth and the cycle repairs everything; a message is only a hint that makes things prompt. So
publishing never fails or delays the caller: it happens after the commit, with the broker's short timeouts
and without retries, and a dead broker is a line in the log. One that says nothing costs its timeout: whoever has
waited for it leaves it alone for a while, so that a request waits once at most. (It lives in the lowest app, for all
to use.)
"""

import logging
import time
from typing import Any

from celery import Task, current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

LEAVE_ALONE_SECONDS = 5.0
# Per broker, since when it is tried again (this process's monotonic clock).
_left_alone_until: dict[str, float] = {}


def nudge(task: Task[Any, Any], *args: Any, in_s: float = 0) -> None:
    """Start `task` once the current transaction has committed, or a few seconds later; never raises."""
    transaction.on_commit(lambda: _publish(task.name, args, in_s), robust=True)


def nudge_events() -> None:
    """Events were written: whoever delivers them need not wait for the schedule. The setting names the task."""
    transaction.on_commit(lambda: _publish(settings.EVENT_NUDGE_TASK), robust=True)


def _publish(name: str, args: tuple[Any, ...] = (), in_s: float = 0) -> None:
    broker = str(current_app.conf.broker_url)
    if time.monotonic() < _left_alone_until.get(broker, 0.0):
        return
    try:
        current_app.send_task(name, args=args, countdown=in_s or None, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("Could not reach the broker to start %s: %s; the next cycle will", name, error)
        _left_alone_until[broker] = time.monotonic() + LEAVE_ALONE_SECONDS
