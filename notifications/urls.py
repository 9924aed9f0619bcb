from django.urls import path

from notifications import views

urlpatterns = [
    path("notifications", views.notification_list, name="notification-list"),
    path("notifications/read-all", views.read_all, name="notification-read-all"),
    path("notifications/<uuid:notification_id>/read", views.read, name="notification-read"),
]
