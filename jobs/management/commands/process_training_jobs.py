"""`manage.py process_training_jobs` starts a processing cycle now, as Beat does."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from kombu.exceptions import OperationalError

from jobs import tasks
from jobs.exceptions import BrokerUnavailable


class Command(BaseCommand):
    help = "Hands all due jobs to the workers now and prints how many there were."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            counts = tasks.process_training_jobs()
        except (OperationalError, OSError) as error:
            raise CommandError(BrokerUnavailable().message) from error
        self.stdout.write(json.dumps({"success": True, "message": "Job processing cycle complete", **counts}))
