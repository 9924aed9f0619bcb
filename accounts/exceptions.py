"""What can go wrong with a token. `kind` decides the HTTP status (lora_pipeline.api_errors)."""

from typing import Any


class AccountError(Exception):
    code = "account_error"
    kind = "invalid"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = {}


class TokenNotFound(AccountError):
    code = "not_found"
    kind = "not_found"

    def __init__(self) -> None:
        super().__init__("You have no API token with this id.")
