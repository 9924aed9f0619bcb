from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("datasets", "0008_corrections"),
    ]

    operations = [
        migrations.AddField(
            model_name="datasetreport",
            name="places",
            field=models.JSONField(
                default=dict, help_text="where examples are in the file (datasets.validation.places); empty: not known"
            ),
        ),
    ]
