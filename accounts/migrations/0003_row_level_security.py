from django.db import migrations

from tenancy.policies import CloseToOthers


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_failed_guesses")]

    operations = [
        CloseToOthers("api_tokens", owner="user_id"),
    ]
