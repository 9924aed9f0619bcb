from django.apps import AppConfig
from django.core.checks import register

from notifications import checks


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = "Notifications"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register(checks.ways_out_are_usable)
        register(checks.deliveries_outlive_their_tries)
        register(checks.webhooks_stay_outside, deploy=True)
