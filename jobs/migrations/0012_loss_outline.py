"""Jobs keep the shape of their loss curve; those that have points already get theirs from them.

Points are read once, in pieces, job by job.
"""

from django.db import migrations, models

from jobs.outline import extend

OF_A_STEP = ("learning_rate", "gradient_norm", "throughput")


def outline_points(apps, schema_editor):
    jobs, points = apps.get_model("jobs", "TrainingJob"), apps.get_model("jobs", "MetricsPoint")
    for pk in list(jobs.objects.filter(metrics_count__gt=0).values_list("pk", flat=True)):
        rows = points.objects.filter(job_id=pk).order_by("attempt", "restart", "step")
        columns = rows.values_list("attempt", "restart", "step", "training_loss", *OF_A_STEP)
        outline, told = {}, []
        for *key, loss, rate, norm, pace in columns.iterator(chunk_size=2000):
            if loss is not None or (rate, norm, pace) != (None, None, None):
                told.append((*key, loss))
            if len(told) == 2000:
                outline, told = extend(outline, told), []
        jobs.objects.filter(pk=pk).update(loss_outline=extend(outline, told))


class Migration(migrations.Migration):
    dependencies = [("jobs", "0011_row_level_security")]

    operations = [
        migrations.AddField(
            model_name="trainingjob",
            name="loss_outline",
            field=models.JSONField(blank=True, default=dict, help_text="the loss curve in few numbers (jobs.outline)"),
        ),
        migrations.RunPython(outline_points, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="metricspoint",
            index=models.Index(
                fields=["job", "attempt", "restart", "step"],
                name="point_with_validation",
                condition=models.Q(validation_loss__isnull=False),
            ),
        ),
    ]
