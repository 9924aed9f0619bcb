"""The Celery app, and the one way to publish a task: a *nudge*.

Rows are the truth and the tick repairs everything; a message is only a hint that makes things prompt.
So publishing must never fail or delay a request: it happens after the commit, with short timeouts and
without retries, and a dead broker is a log line.
"""

import logging
import os
from typing import Any

from celery import Celery
from celery.contrib.django.task import DjangoTask
from django.db import transaction
from kombu.exceptions import OperationalError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lora_pipeline.settings")

logger = logging.getLogger(__name__)


class Task(DjangoTask):
    """Base class of all our tasks."""

    def nudge(self, *args: Any) -> None:
        """Publish this task once the current transaction has committed; never raises, never retries."""
        transaction.on_commit(lambda: self._publish(args), robust=True)

    def _publish(self, args: tuple[Any, ...]) -> None:
        try:
            self.apply_async(args=args, retry=False)
        except (OperationalError, OSError) as error:
            logger.warning("Could not reach the broker to start %s: %s; the next cycle will", self.name, error)


app = Celery("lora_pipeline", task_cls=Task)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
