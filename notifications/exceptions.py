"""What can go wrong when a user asks something. `kind` decides the HTTP status (lora_pipeline.api_errors)."""

from typing import Any


class NotificationError(Exception):
    """Base: a stable `code` for programs, a `message` for people, `details` by field where there are any."""

    code = "notification_error"
    kind = "invalid"

    def __init__(self, message: str, *, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or {}


class NotificationNotFound(NotificationError):
    code = "not_found"
    kind = "not_found"

    def __init__(self) -> None:
        super().__init__("There is no such notification.")


class WebhookNotFound(NotificationError):
    code = "not_found"
    kind = "not_found"

    def __init__(self) -> None:
        super().__init__("There is no such webhook.")


class DeliveryNotFound(NotificationError):
    code = "not_found"
    kind = "not_found"

    def __init__(self) -> None:
        super().__init__("There is no such delivery.")


class InvalidInput(NotificationError):
    """A field cannot be used; `details` is {field: [messages]}."""

    code = "invalid"

    @classmethod
    def of(cls, field: str, problem: str) -> "InvalidInput":
        return cls(f"{field}: {problem}", details={field: [problem]})


class WebhookConflict(NotificationError):
    """What was asked does not go with how things stand."""

    code = "webhook_conflict"
    kind = "conflict"
