"""Reads."""

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import ApiToken


def visible_to(user: User) -> "QuerySet[ApiToken]":
    """The user's own tokens that still work, the newest first."""
    unexpired = Q(expiry=None) | Q(expiry__gt=timezone.now())
    return QuerySet(ApiToken).filter(unexpired, user_id=user.pk)
