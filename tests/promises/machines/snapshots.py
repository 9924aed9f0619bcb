"""The rows and books of a world, kept and put back, so that one story can be told from the same page many times."""

import random
from copy import deepcopy
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Model
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
        self._rows = {model: list(model._default_manager.values()) for model in _models()}
        self._books = self._copied()
        self._now = timezone.now()

    def restore(self) -> None:
        """All as it was: rows, books, store, clock and chance."""
        books, objects = deepcopy(self._books)
        for name, content in books.items():
            setattr(self._world.cluster, name, content)
        self._world.store.objects = objects
        self._world.clock.move_to(self._now)
        random.seed(0)
        with transaction.atomic(), connection.cursor() as cursor:
            for model, rows in self._rows.items():
                cursor.execute(f"DELETE FROM {model._meta.db_table}")  # noqa: S608 - our own names
                if rows:
                    _insert(cursor, model, rows)

    def state(self) -> str:
        """All that another process can see of the world, but for names that differ each time."""
        rows = [
            sorted(
                str({name: value for name, value in row.items() if name not in NAMES} | _is_leased(row))
                for row in model._default_manager.values()
            )
            for model in _models()
        ]
        return str((rows, self._copied()))

    def _copied(self) -> tuple[dict[str, Any], dict[str, bytes]]:
        cluster = self._world.cluster
        return deepcopy({name: getattr(cluster, name) for name in BOOKS}), dict(self._world.store.objects)


def _models() -> list[type[Model]]:
    return [model for app in APPS for model in apps.get_app_config(app).get_models()]


def _insert(cursor: Any, model: type[Model], rows: list[dict[str, Any]]) -> None:
    """Rows as they were: a model's own way of saving would set times anew. Their order does not matter in the end."""
    fields = model._meta.concrete_fields
    names = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(["%s"] * len(fields))
    values = [[field.get_db_prep_save(row[field.attname], connection) for field in fields] for row in rows]
    cursor.executemany(f"INSERT INTO {model._meta.db_table} ({names}) VALUES ({places})", values)  # noqa: S608


def _is_leased(row: dict[str, Any]) -> dict[str, bool]:
    return {"leased": row["lease_token"] is not None} if "lease_token" in row else {}
