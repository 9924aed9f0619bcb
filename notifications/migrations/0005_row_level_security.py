from django.db import migrations

from tenancy.policies import CloseToOthers


class Migration(migrations.Migration):
    dependencies = [("notifications", "0004_beat_sending")]

    operations = [
        CloseToOthers("notifications"),
        CloseToOthers("notification_deliveries"),
        CloseToOthers("delivery_attempts"),
        CloseToOthers("notification_preferences"),
        CloseToOthers("webhook_endpoints"),
    ]
