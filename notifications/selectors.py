"""Reads."""

from django.contrib.auth.models import User
from django.db.models import QuerySet

from notifications.models import Notification


def visible_to(user: User) -> QuerySet[Notification]:
    """The notifications that `user` may see: their own, the newest first."""
    return QuerySet(Notification).filter(owner_id=user.pk).order_by("-created_at", "id")
