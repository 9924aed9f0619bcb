from django.db import migrations

from tenancy.policies import CloseToOthers


class Migration(migrations.Migration):
    dependencies = [("jobs", "0010_orphans")]

    operations = [
        CloseToOthers("training_jobs"),
        CloseToOthers("job_attempts"),
        CloseToOthers("job_events"),
        CloseToOthers("metrics_points"),
        CloseToOthers("job_logs"),
        CloseToOthers("cost_records"),
        CloseToOthers("checkpoints"),
        CloseToOthers("model_artifacts"),
    ]
