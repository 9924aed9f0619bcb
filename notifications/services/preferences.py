"""What a user chooses to be told, by which way."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from notifications.exceptions import InvalidInput
from notifications.kinds import Kind, offered
from notifications.models import Preference


@dataclass(frozen=True)
class Choice:
    """One switch."""

    kind: Kind
    channel: str
    enabled: bool

    @property
    def type(self) -> str:
        return self.kind.name

    @property
    def label(self) -> str:
        return self.kind.label


def preference_list(*, user: User) -> list[Choice]:
    """All switches of a user, as they stand: by type, then channel."""
    rows = Preference.objects.filter(owner=user).values_list("type", "channel", "enabled")
    chosen = {(type_, channel): enabled for type_, channel, enabled in rows}
    return [
        Choice(kind, channel, chosen.get((kind.name, channel), kind.default(channel)))
        for kind in offered(is_staff=user.is_staff)
        for channel in kind.channels
    ]


def preference_set(*, user: User, switches: Mapping[tuple[str, str], bool]) -> None:
    """Set switches by (type, channel); the others stay. Raises InvalidInput for one that there is not."""
    known = {(choice.type, choice.channel): choice for choice in preference_list(user=user)}
    for type_, channel in switches:
        if (type_, channel) not in known:
            raise InvalidInput.of("preferences", f"There is no type “{type_[:40]}” with the channel “{channel[:40]}”.")
    with transaction.atomic():
        for (type_, channel), enabled in switches.items():
            ours = Preference.objects.filter(owner=user, type=type_, channel=channel)
            if enabled == known[type_, channel].kind.default(channel):
                ours.delete()
            else:
                Preference.objects.update_or_create(
                    owner=user, type=type_, channel=channel, defaults={"enabled": enabled}
                )
