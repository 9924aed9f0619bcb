from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0008_attempts_resume"),
    ]

    operations = [
        migrations.AddField(
            model_name="cluster",
            name="failed_about",
            field=models.JSONField(default=list, help_text="the jobs among those failures, each once"),
        ),
        migrations.AddField(
            model_name="cluster",
            name="key_refused",
            field=models.BooleanField(default=False, help_text="what opened the breaker: our key, not silence"),
        ),
    ]
