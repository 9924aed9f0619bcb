"""System checks of the settings that concern the whole; apps check their own. Each names its variable."""

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, run_checks
from django.core.exceptions import ImproperlyConfigured
from kombu.utils.url import parse_url
from rest_framework.settings import api_settings

from accounts.addresses import is_base
from lora_pipeline import database

MIN_SECRET = 50
RATES = {"user": "API_RATE_USER", "anon": "API_RATE_ANON", "create": "API_RATE_CREATE", "login": "API_RATE_LOGIN"}
BROKERS = {"redis", "rediss", "sentinel", "amqp", "amqps", "memory"}
MAX_RUNTIME_S = 90 * 24 * 3600


def settings_make_sense(**_: Any) -> list[CheckMessage]:
    """What settings.py could parse, but nobody can work with."""
    return [*_secret(), *_web(), *_numbers(), *_broker(), *_rates(), *_databases()]


def refuse_errors() -> None:
    """Run all system checks, as manage.py does by itself; raises ImproperlyConfigured with every error in words."""
    errors = [message for message in run_checks() if message.is_serious() and not message.is_silenced()]
    if errors:
        raise ImproperlyConfigured("\n".join(["The settings are not usable:", *map(str, errors)]))


def _secret() -> Iterator[CheckMessage]:
    hint = "Set SECRET_KEY to a long random text, such as `python -c 'import secrets; print(secrets.token_hex(32))'`."
    try:
        length = len(settings.SECRET_KEY)
    except ImproperlyConfigured:
        yield Error("SECRET_KEY is not set.", hint=hint, id="lora_pipeline.E001")
        return
    if length < MIN_SECRET:
        problem = f"SECRET_KEY has {length} characters, fewer than {MIN_SECRET}."
        yield Error(problem, hint=hint, id="lora_pipeline.E002")


def _web() -> Iterator[CheckMessage]:
    if settings.PUBLIC_BASE_URL and not is_base(settings.PUBLIC_BASE_URL):
        yield Error(
            "PUBLIC_BASE_URL is not http(s)://host[:port] without user, path or query.",
            hint="Set it to our address as the cluster sees it, such as https://lora.example.com, or leave it out.",
            id="lora_pipeline.E003",
        )
    if settings.HEARTBEAT_URL and not re.match(r"https?://[^/]", settings.HEARTBEAT_URL):
        yield Error(
            "HEARTBEAT_URL is not an http(s) address.",
            hint="Set it to the address that your monitor gives you, or leave it out.",
            id="lora_pipeline.E008",
        )
    for origin in settings.CSRF_TRUSTED_ORIGINS:
        if not is_base(origin):
            yield Error(
                f"CSRF_TRUSTED_ORIGINS holds {origin!r}, which is not http(s)://host[:port].",
                hint="Set it to a comma list such as https://lora.example.com.",
                id="lora_pipeline.E004",
            )


def _numbers() -> Iterator[CheckMessage]:
    for variable, value, lowest, highest in (
        ("POLL_INTERVAL_SECONDS", settings.POLL_INTERVAL_SECONDS, 1, 3600),
        ("JOB_MAX_RUNTIME_SECONDS", settings.JOB_MAX_RUNTIME_SECONDS, 60, MAX_RUNTIME_S),
        ("JOB_AUTOMATIC_RESUBMISSIONS", settings.JOB_AUTOMATIC_RESUBMISSIONS, 0, 100),
        ("NUM_PROXIES", int(api_settings.NUM_PROXIES or 0), 0, 10),
    ):
        if not lowest <= value <= highest:
            problem = f"{variable} is {value}, outside {lowest} to {highest}."
            yield Error(problem, hint=f"Set {variable} to a number within.", id="lora_pipeline.E005")


def _broker() -> Iterator[CheckMessage]:
    scheme = settings.CELERY_BROKER_URL.partition("://")[0]
    try:
        parse_url(settings.CELERY_BROKER_URL)
        usable = scheme in BROKERS
    except ValueError:
        usable = False
    if not usable:
        # The address may hold a password: it is not repeated here.
        hint = "Set it to an address such as redis://127.0.0.1:6379/0."
        yield Error("REDIS_URL is not the address of a broker.", hint=hint, id="lora_pipeline.E006")


def _rates() -> Iterator[CheckMessage]:
    for scope, variable in RATES.items():
        rate = str(api_settings.DEFAULT_THROTTLE_RATES[scope])
        if not re.fullmatch(r"[1-9]\d{0,8}/(s|sec|second|m|min|minute|h|hour|d|day)", rate):
            hint = f"Set {variable} to a rate such as 60/min."
            yield Error(f"{variable} is {rate!r}, which is no rate.", hint=hint, id="lora_pipeline.E007")


def _databases() -> Iterator[CheckMessage]:
    """Roles of one database: a worker that reads another one's rows would find no job, and say nothing."""
    served = settings.DATABASE_ROLES[database.WEB]
    for variable in (database.WORKER, database.MIGRATE):
        config = settings.DATABASE_ROLES[variable]
        if (config["ENGINE"], config["NAME"]) != (served["ENGINE"], served["NAME"]):
            hint = f"Let {variable} differ from DATABASE_URL in user and password alone, or leave it out."
            yield Error(f"{variable} leads to another database than DATABASE_URL.", hint=hint, id="lora_pipeline.E009")
