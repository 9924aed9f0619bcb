"""Settings from environment variables. What cannot be read stops the program, with the variable's name and what to do.

An empty variable counts as unset. Values that may hold a password are not repeated.
"""

import contextlib
import logging
import os
import warnings
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

_SWITCHES = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_DATABASES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")


def switch(name: str, *, default: bool) -> bool:
    """A variable that is true or false; a word that is neither is not taken for either."""
    value = _value(name)
    if not value:
        return default
    if value.lower() not in _SWITCHES:
        raise ImproperlyConfigured(f"{name} is {value!r}: set it to true or false, or leave it out.")
    return _SWITCHES[value.lower()]


def number(name: str, *, default: int) -> int:
    """A variable that is a whole number."""
    value = _value(name)
    try:
        return int(value) if value else default
    except ValueError:
        message = f"{name} is {value!r}: set it to a whole number such as {default}, or leave it out."
        raise ImproperlyConfigured(message) from None


def log_level(name: str, *, default: str) -> str:
    """A level as Python's logging names them."""
    value = _value(name).upper() or default
    if not isinstance(logging.getLevelName(value), int):
        raise ImproperlyConfigured(f"{name} is {value!r}: set it to one of {', '.join(_LEVELS)}, or leave it out.")
    return value


def database(name: str, *, default: str) -> dict[str, Any]:
    """An entry of DATABASES from an address; `default` is an address too."""
    config: dict[str, Any] = {}
    with warnings.catch_warnings(action="ignore"), contextlib.suppress(ValueError):  # they repeat the address
        config = environ.Env.db_url_config(_value(name) or default)
    if config.get("ENGINE") not in _DATABASES:
        raise ImproperlyConfigured(
            f"{name} is not the address of a database: set it to one such as postgres://user:password@host/name or "
            "sqlite:////folder/db.sqlite3, or leave it out."
        )
    return config


def mail_server(name: str) -> dict[str, Any]:
    """Django's EMAIL_… settings from an address; none without one."""
    value = _value(name)
    if not value:
        return {}
    try:
        found: dict[str, Any] = environ.Env.email_url_config(value)
    except (ValueError, ImproperlyConfigured):
        message = f"{name} is not the address of a mail server: set it to one such as "
        message += "smtp+tls://user:password@mail.example.com:587, or leave it out."
        raise ImproperlyConfigured(message) from None
    return found


def _value(name: str) -> str:
    return os.environ.get(name, "").strip()
