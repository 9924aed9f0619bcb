"""System checks of what leaves the house: a wrong value is reported at start, by the name that mends it."""

from collections.abc import Iterator
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from accounts.addresses import is_base

LEAST_DAYS, MOST_DAYS = 7, 36_500
SMTP = "django.core.mail.backends.smtp.EmailBackend"


def ways_out_are_usable(**_: Any) -> list[CheckMessage]:
    """The mail server has a name, the sender an address, links lead somewhere."""
    return [*_mail(), *_links()]


def webhooks_stay_outside(**_: Any) -> list[CheckMessage]:
    """In production users should not reach our own network by their webhooks."""
    if not settings.WEBHOOK_ALLOW_PRIVATE:
        return []
    problem = "WEBHOOK_ALLOW_PRIVATE is true: every user can make this server call addresses of its own network."
    return [Warning(problem, hint="Leave it out unless every user is trusted.", id="notifications.W001")]


def deliveries_outlive_their_tries(**_: Any) -> list[CheckMessage]:
    """A delivery is tried for a day and more, and its log is there to be read."""
    if LEAST_DAYS <= settings.DELIVERIES_KEEP_DAYS <= MOST_DAYS:
        return []
    problem = f"DELIVERIES_KEEP_DAYS is not a number of days from {LEAST_DAYS} to {MOST_DAYS}."
    return [Error(problem, hint="Leave it out for 90 days.", id="notifications.E004")]


def _mail() -> Iterator[CheckMessage]:
    if not settings.EMAIL_CONFIGURED:
        return
    if settings.EMAIL_BACKEND == SMTP and not settings.EMAIL_HOST:
        # The address may hold a password: it is not repeated here.
        hint = "Set it to an address such as smtp+tls://user:password@mail.example.com:587."
        yield Error("EMAIL_URL names no mail server.", hint=hint, id="notifications.E001")
    local, _, domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")
    if not local or not domain:
        hint = "Set it to a sender that your mail server accepts, such as LoRA Pipeline <lora@example.com>."
        yield Error("DEFAULT_FROM_EMAIL is no e-mail address.", hint=hint, id="notifications.E002")


def _links() -> Iterator[CheckMessage]:
    # Left out it is PUBLIC_BASE_URL, which has a check of its own.
    if settings.SITE_URL and settings.SITE_URL != settings.PUBLIC_BASE_URL and not is_base(settings.SITE_URL):
        yield Error(
            "SITE_URL is not http(s)://host[:port] without user, path or query.",
            hint="Set it to our address as people see it, such as https://lora.example.com, or leave it out.",
            id="notifications.E003",
        )
    elif settings.EMAIL_CONFIGURED and not settings.SITE_URL:
        hint = "Set SITE_URL to our address as people see it, such as https://lora.example.com."
        yield Warning("SITE_URL is not set: e-mails have no link.", hint=hint, id="notifications.W002")
