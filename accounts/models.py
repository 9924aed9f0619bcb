"""API tokens: shown once, stored as a hash (knox), named so that their owner knows which one to revoke."""

from django.db import models
from knox.models import AbstractAuthToken


class ApiToken(AbstractAuthToken):  # type: ignore[misc]
    """`token_key`, the token's first characters, is its public id; `digest` is the hash that is compared."""

    name = models.CharField(max_length=100, default="token")

    class Meta:
        db_table = "api_tokens"
        ordering = ["-created"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.token_key}…)"
