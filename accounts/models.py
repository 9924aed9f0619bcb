"""API tokens: shown once, stored as a hash (knox), named so that their owner knows which one to revoke; and guesses."""

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


class FailedGuess(models.Model):
    """A password or token that was wrong, or is being looked at. Kept for a day; `key` hides whose it was."""

    key = models.CharField(max_length=64, help_text="hash of an address or a username")
    at = models.DateTimeField()

    class Meta:
        db_table = "failed_guesses"
        indexes = [models.Index(fields=["key", "at"]), models.Index(fields=["at"])]
        verbose_name_plural = "failed guesses"
