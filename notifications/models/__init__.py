"""What users are told. `inbox` is what they read here and what they chose, `webhook` is where else it goes,
`delivery` is the outbox."""

from notifications.models.delivery import Delivery, DeliveryAttempt, Horizon
from notifications.models.inbox import Notification, Preference, Priority
from notifications.models.webhook import WebhookEndpoint

__all__ = ["Delivery", "DeliveryAttempt", "Horizon", "Notification", "Preference", "Priority", "WebhookEndpoint"]
