"""Everything that leaves the control plane or stays in it, as text: log, broker, rows, answers, pages, admin."""

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from typing import Any

import redis
from django.apps import apps
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from lora_pipeline.log import RedactingFormatter
from tests.tenancy.routes import every_route

# Where a secret belongs: the session itself, and what is compared instead of a token or a password.
LEGITIMATE = {("sessions.session", "session_key"), ("auth.user", "password"), ("accounts.apitoken", "digest")}
SIGNATURE = re.compile(r"X-Amz-Signature(?:=|%3D|\\u003d)[0-9a-f]{8,}", re.IGNORECASE)


@contextmanager
def log_of_everything() -> Iterator[StringIO]:
    """What all loggers say at their most talkative, as our log shows it."""
    heard = StringIO()
    handler = logging.StreamHandler(heard)
    handler.setFormatter(RedactingFormatter("%(name)s %(message)s"))
    loggers = [logging.getLogger(name) for name in (None, *logging.root.manager.loggerDict)]
    before = [(logger, logger.level, logger.disabled) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.disabled = False
    logging.root.addHandler(handler)
    try:
        yield heard
    finally:
        logging.root.removeHandler(handler)
        for logger, level, disabled in before:
            logger.setLevel(level)
            logger.disabled = disabled


def messages(broker_url: str) -> str:
    """The bytes of every key in the broker."""
    with redis.Redis.from_url(broker_url) as client:
        kinds: dict[bytes, Any] = {
            b"list": lambda key: client.lrange(key, 0, -1),
            b"hash": client.hgetall,
            b"set": client.smembers,
            b"zset": lambda key: client.zrange(key, 0, -1),
            b"string": client.get,
        }
        return "\n".join(f"{key!r} {kinds[client.type(key)](key)!r}" for key in client.scan_iter())


def stored() -> Iterator[tuple[str, str]]:
    """(table.column, value) of everything in the database but LEGITIMATE columns."""
    for model in apps.get_models(include_auto_created=True):
        columns = [
            field.attname
            for field in model._meta.concrete_fields
            if (model._meta.label_lower, field.attname) not in LEGITIMATE
        ]
        for row in model._base_manager.values(*columns):
            yield from ((f"{model._meta.label_lower}.{name}", _as_text(value)) for name, value in row.items())


def _as_text(value: Any) -> str:
    return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)


def answers(user: User, ids: Mapping[str, Iterable[object]]) -> Iterator[tuple[str, str]]:
    """(address, head and body) of everything that the user can GET; `ids` by the name of the path's parameter."""
    client = Client(raise_request_exception=False)
    client.force_login(user)
    for route in every_route():
        if route.pattern.startswith("/admin"):
            continue
        for path in _filled(route.pattern, route.parameters, ids):
            yield path, _got(client, path)
    if user.is_staff:
        for path in _admin():
            yield path, _got(client, path)


def _filled(pattern: str, parameters: Mapping[str, str], ids: Mapping[str, Iterable[object]]) -> Iterator[str]:
    values: list[dict[str, str]] = [{}]
    for name in parameters:
        values = [{**one, name: str(each)} for one in values for each in ids.get(name, ["1"])]
    for each in values:
        path = pattern
        for name, converter in parameters.items():
            path = path.replace(f"<{converter}:{name}>", each[name]).replace(f"<{name}>", each[name])
        yield path


def _admin() -> Iterator[str]:
    """Every list, search, row and history of the admin."""
    yield reverse("admin:index")
    for model in apps.get_models():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        try:
            listed = reverse(f"{name}_changelist")
        except Exception:  # noqa: S112 - not in the admin
            continue
        yield from (listed, f"{listed}?q=a")
        for row in model._default_manager.values_list("pk", flat=True)[:20]:
            yield from (reverse(f"{name}_change", args=[row]), reverse(f"{name}_history", args=[row]))


def _got(client: Client, path: str) -> str:
    cache.clear()  # no throttle
    got: Any = client.get(path)
    body = b"".join(got.streaming_content) if got.streaming else got.content
    return f"{got.status_code} {dict(got.headers)} {body.decode('utf-8', 'replace')}"
