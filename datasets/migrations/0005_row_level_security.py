from django.db import migrations

from tenancy.policies import CloseToOthers


class Migration(migrations.Migration):
    dependencies = [("datasets", "0004_formats")]

    operations = [
        CloseToOthers("datasets"),
        CloseToOthers("dataset_events"),
        CloseToOthers("import_grants", owner="user_id"),
    ]
