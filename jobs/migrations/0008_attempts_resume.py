"""Where each attempt began: so far always where its job's user said."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import OuterRef, Subquery


def fill(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    jobs = apps.get_model("jobs", "TrainingJob").objects.filter(pk=OuterRef("job_id"))
    apps.get_model("jobs", "JobAttempt").objects.update(resume_from=Subquery(jobs.values("resume_from")))


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0007_budget_and_sentinel"),
    ]

    operations = [
        migrations.AddField(
            model_name="jobattempt",
            name="resume_from",
            field=models.ForeignKey(
                blank=True,
                help_text="where it began: of an earlier job, or of an earlier attempt of this one",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="jobs.checkpoint",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
