"""The rows and books of a world, kept and put back, so that one story can be told from the same page many times."""

import random
from copy import deepcopy
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.utils import timezone

from tests.promises.machines.world import World

APPS = ("datasets", "jobs", "notifications")
BOOKS = ("plans", "runs", "submits", "keys", "faults", "seen_faults", "told_running_at")
# What differs each time, and means nothing.
NAMES = {"id", "lease_token", "claim", "message_id", "job_event_id", "alert_id", "notification_id", "version"}


class Snapshot:
    """The world as it is when this is made. Call inside of no transaction."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tables = [model._meta.db_table for app in APPS for model in apps.get_app_config(app).get_models()]
        self._books = self._copied()
        self._now = timezone.now()
        self.forget()
        with transaction.atomic(), connection.cursor() as cursor:
            for table in self._tables:
                cursor.execute(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")  # noqa: S608 - our own names

    def restore(self) -> None:
        """All as it was: rows, books, store, clock and chance."""
        books, objects = deepcopy(self._books)
        for name, content in books.items():
            setattr(self._world.cluster, name, content)
        self._world.store.objects = objects
        self._world.clock.move_to(self._now)
        random.seed(0)
        with transaction.atomic(), connection.cursor() as cursor:
            for table in self._tables:
                cursor.execute(f"DELETE FROM {table}")  # noqa: S608
                cursor.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")  # noqa: S608

    def forget(self) -> None:
        with connection.cursor() as cursor:
            for table in self._tables:
                cursor.execute(f"DROP TABLE IF EXISTS kept_{table}")

    def state(self) -> str:
        """All that another process can see of the world, but for names that differ each time."""
        rows = [
            sorted(
                str({name: value for name, value in row.items() if name not in NAMES} | _is_leased(row))
                for row in model._default_manager.values()
            )
            for app in APPS
            for model in apps.get_app_config(app).get_models()
        ]
        return str((rows, self._copied()))

    def _copied(self) -> tuple[dict[str, Any], dict[str, bytes]]:
        cluster = self._world.cluster
        return deepcopy({name: getattr(cluster, name) for name in BOOKS}), dict(self._world.store.objects)


def _is_leased(row: dict[str, Any]) -> dict[str, bool]:
    return {"leased": row["lease_token"] is not None} if "lease_token" in row else {}
