from django.urls import path

from notifications.views import inbox, settings, webhook

WEBHOOK = "settings/webhooks/<uuid:webhook_id>"

urlpatterns = [
    path("notifications", inbox.notification_list, name="notification-list"),
    path("notifications/read-all", inbox.read_all, name="notification-read-all"),
    path("notifications/<uuid:notification_id>", inbox.follow, name="notification"),
    path("notifications/<uuid:notification_id>/read", inbox.read, name="notification-read"),
    path("settings/notifications", settings.notification_settings, name="notification-settings"),
    path("settings/notifications/save", settings.save_preferences, name="notification-preferences"),
    path("settings/webhooks", settings.webhook_create, name="webhook-create"),
    path(WEBHOOK, webhook.webhook_detail, name="webhook"),
    path(f"{WEBHOOK}/switch", webhook.webhook_switch, name="webhook-switch"),
    path(f"{WEBHOOK}/rotate-secret", webhook.webhook_rotate, name="webhook-rotate-secret"),
    path(f"{WEBHOOK}/test", webhook.webhook_test, name="webhook-test"),
    path(f"{WEBHOOK}/delete", webhook.webhook_delete, name="webhook-delete"),
    path(
        f"{WEBHOOK}/deliveries/<uuid:delivery_id>/replay",
        webhook.delivery_replay,
        name="webhook-delivery-replay",
    ),
]
