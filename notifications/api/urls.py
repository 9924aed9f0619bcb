from django.urls import path

from notifications.api.views.deliveries import DeliveryDetailView, DeliveryList, DeliveryReplay
from notifications.api.views.inbox import NotificationList, NotificationRead, NotificationReadAll
from notifications.api.views.preferences import PreferenceList
from notifications.api.views.unread import NotificationUnread
from notifications.api.views.webhooks import WebhookDetail, WebhookList, WebhookRotateSecret, WebhookTest

WEBHOOK = "webhooks/<uuid:webhook_id>"
DELIVERY = f"{WEBHOOK}/deliveries/<uuid:delivery_id>"

urlpatterns = [
    path("notifications", NotificationList.as_view(), name="api-notifications"),
    path("notifications/preferences", PreferenceList.as_view(), name="api-notification-preferences"),
    path("notifications/unread", NotificationUnread.as_view(), name="api-notifications-unread"),
    path("notifications/read-all", NotificationReadAll.as_view(), name="api-notifications-read-all"),
    path("notifications/<uuid:notification_id>/read", NotificationRead.as_view(), name="api-notification-read"),
    path("webhooks", WebhookList.as_view(), name="api-webhooks"),
    path(WEBHOOK, WebhookDetail.as_view(), name="api-webhook"),
    path(f"{WEBHOOK}/rotate-secret", WebhookRotateSecret.as_view(), name="api-webhook-rotate-secret"),
    path(f"{WEBHOOK}/test", WebhookTest.as_view(), name="api-webhook-test"),
    path(f"{WEBHOOK}/deliveries", DeliveryList.as_view(), name="api-webhook-deliveries"),
    path(DELIVERY, DeliveryDetailView.as_view(), name="api-webhook-delivery"),
    path(f"{DELIVERY}/replay", DeliveryReplay.as_view(), name="api-webhook-delivery-replay"),
]
