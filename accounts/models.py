"""API tokens: shown once, stored as a hash (knox), named so that their owner knows which one to revoke."""

from django.db import models
from knox.models import AbstractAuthToken


class ApiToken(AbstractAuthToken):
    name = models.CharField(max_length=100, default="token")

    class Meta:
        db_table = "api_tokens"
        ordering = ["-created"]
        verbose_name = "API token"
