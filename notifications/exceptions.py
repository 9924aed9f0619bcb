"""What can go wrong with a notification. `kind` decides the HTTP status (lora_pipeline.api_errors)."""

from typing import Any


class NotificationNotFound(Exception):
    code = "not_found"
    kind = "not_found"

    def __init__(self) -> None:
        self.message = "There is no such notification."
        self.details: dict[str, Any] = {}
        super().__init__(self.message)
