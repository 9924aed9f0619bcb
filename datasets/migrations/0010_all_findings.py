from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("datasets", "0009_places"),
    ]

    operations = [
        migrations.AddField(
            model_name="datasetreport",
            name="findings_count",
            field=models.BigIntegerField(default=0, help_text="in the file of all findings (datasets.full_report)"),
        ),
        migrations.AddField(
            model_name="datasetreport",
            name="findings_etag",
            field=models.CharField(blank=True, help_text="of that file; empty: there is none", max_length=128),
        ),
    ]
