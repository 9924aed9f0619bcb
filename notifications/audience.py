"""Who is told by which ways. Read once per owner for one look through the events."""

from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.contrib.auth.models import User

from notifications.kinds import EMAIL, ENDS, IN_APP, JOBS_ENDED, KINDS, WEBHOOK
from notifications.models import Preference, WebhookEndpoint


@dataclass(frozen=True)
class Way:
    """One channel to one address: `endpoint` is empty but for webhooks. `gathers`: with others, when the last job
    has ended (notifications.gathering)."""

    channel: str
    endpoint: WebhookEndpoint | None = None
    gathers: bool = False


@dataclass(frozen=True)
class Wishes:
    """What one person chose, and can get."""

    is_active: bool
    is_staff: bool
    has_address: bool
    chosen: dict[tuple[str, str], bool]
    endpoints: tuple[WebhookEndpoint, ...]

    def in_app(self, type_: str) -> bool:
        """Whether the inbox is to hold a notice of this type."""
        return self._wants(type_, IN_APP)

    def ways_out(self, type_: str) -> list[Way]:
        """By which other ways a notice of this type leaves the house."""
        if not self.is_active or type_ not in KINDS or (KINDS[type_].staff_only and not self.is_staff):
            return []
        ways = []
        if settings.EMAIL_CONFIGURED and self.has_address:
            gathers = type_ in ENDS and self._wants(JOBS_ENDED, EMAIL)
            if gathers or self._wants(type_, EMAIL):
                ways.append(Way(EMAIL, gathers=gathers))
        for endpoint in self.endpoints:
            gathers = type_ in ENDS and JOBS_ENDED in endpoint.event_types
            if gathers or type_ in endpoint.event_types:
                ways.append(Way(WEBHOOK, endpoint, gathers))
        return ways

    def _wants(self, type_: str, channel: str) -> bool:
        kind = KINDS.get(type_)
        return self.chosen.get((type_, channel), kind.default(channel) if kind else channel == IN_APP)


class Audience:
    """The wishes of everybody whom one look through the events meets."""

    def __init__(self) -> None:
        self.wishes = cache(_wishes)


def operators() -> list[int]:
    """Whom alerts go to."""
    return list(User.objects.filter(is_staff=True, is_active=True).order_by("pk").values_list("pk", flat=True))


def _wishes(owner_id: int) -> Wishes:
    user = User.objects.get(pk=owner_id)
    chosen = Preference.objects.filter(owner_id=owner_id).values_list("type", "channel", "enabled")
    return Wishes(
        is_active=user.is_active,
        is_staff=user.is_staff,
        has_address=bool(user.email),
        chosen={(type_, channel): enabled for type_, channel, enabled in chosen},
        endpoints=tuple(WebhookEndpoint.objects.filter(owner_id=owner_id, enabled=True)),
    )
