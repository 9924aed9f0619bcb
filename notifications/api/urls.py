from django.urls import path

from notifications.api.views import NotificationList, NotificationRead, NotificationReadAll

urlpatterns = [
    path("notifications", NotificationList.as_view(), name="api-notifications"),
    path("notifications/read-all", NotificationReadAll.as_view(), name="api-notifications-read-all"),
    path("notifications/<uuid:notification_id>/read", NotificationRead.as_view(), name="api-notification-read"),
]
