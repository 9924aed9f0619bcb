"""Settings of what leaves the house that make no sense are named at start."""

from typing import Any

import pytest

from notifications.checks import ways_out_are_usable, webhooks_stay_outside

MAIL = {
    "EMAIL_CONFIGURED": True,
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    "EMAIL_HOST": "mail.example.com",
    "DEFAULT_FROM_EMAIL": "LoRA Pipeline <lora@example.com>",
    "SITE_URL": "https://lora.example.com",
}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({}, []),
        ({"EMAIL_HOST": None}, ["notifications.E001"]),
        ({"DEFAULT_FROM_EMAIL": ""}, ["notifications.E002"]),
        ({"DEFAULT_FROM_EMAIL": "LoRA Pipeline"}, ["notifications.E002"]),
        ({"SITE_URL": "lora.example.com"}, ["notifications.E003"]),
        ({"SITE_URL": "https://lora.example.com/path"}, ["notifications.E003"]),
        ({"SITE_URL": None}, ["notifications.W002"]),
        ({"EMAIL_CONFIGURED": False, "EMAIL_HOST": None, "DEFAULT_FROM_EMAIL": "", "SITE_URL": None}, []),
    ],
)
def test_what_is_wrong_is_told(wrong: dict[str, Any], told: list[str], settings: Any) -> None:
    for name, value in {**MAIL, **wrong}.items():
        setattr(settings, name, value)
    assert [message.id for message in ways_out_are_usable()] == told


def test_webhooks_into_the_own_network_are_warned_of(settings: Any) -> None:
    assert webhooks_stay_outside() == []
    settings.WEBHOOK_ALLOW_PRIVATE = True
    assert [message.id for message in webhooks_stay_outside()] == ["notifications.W001"]
