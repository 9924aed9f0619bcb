"""Small pictures in lists."""

from typing import Any

from django import template

from jobs.models import TrainingJob
from jobs.sparkline import HEIGHT, WIDTH, sparkline

register = template.Library()


@register.inclusion_tag("jobs/sparkline.html")
def loss_line(job: TrainingJob) -> dict[str, Any]:
    """The shape of a job's training loss; nothing before its first point."""
    return {"picture": sparkline(job.loss_outline), "width": WIDTH, "height": HEIGHT}
