"""What users do with their notifications."""

import uuid

from django.contrib.auth.models import User
from django.utils import timezone

from notifications.exceptions import NotificationNotFound
from notifications.models import Notification
from notifications.selectors import visible_to


def notification_mark_read(*, user: User, notification_id: uuid.UUID) -> Notification:
    """Marks one as read (again is fine) and returns it; raises NotificationNotFound."""
    mine = visible_to(user).filter(pk=notification_id)
    mine.filter(read=False).update(read=True, read_at=timezone.now())
    notification = mine.first()
    if notification is None:
        raise NotificationNotFound
    return notification


def notification_mark_all_read(*, user: User) -> int:
    """Marks all of the user's as read; returns how many were not."""
    return visible_to(user).filter(read=False).update(read=True, read_at=timezone.now())
