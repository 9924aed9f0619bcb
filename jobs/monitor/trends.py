"""The trends of a job's figures, from the points that charts are made of."""

from dataclasses import dataclass

from jobs import series
from jobs.models import TrainingJob
from jobs.monitor import trend
from jobs.monitor.trend import RECENT, Best, Trend
from jobs.templatetags import figures


@dataclass(frozen=True)
class Trends:
    """None where there are too few points to say."""

    training_loss: Trend | None = None
    validation_loss: Trend | None = None
    throughput: Trend | None = None
    best_validation_loss: Best | None = None


def trends_of(job: TrainingJob) -> Trends:
    """Of the points that count. Costs no query where the job's chart was just made by the same process."""
    if not job.metrics_count:
        return Trends()
    evaluations = series.counting(job, "validation_loss")
    return Trends(
        training_loss=_recent(job, "training_loss"),
        validation_loss=trend.since_last(evaluations, write=figures.measure),
        throughput=trend.recent(series.counting(job, "throughput", last=2 * RECENT), write=figures.count),
        best_validation_loss=trend.best(evaluations),
    )


def _recent(job: TrainingJob, name: str) -> Trend | None:
    return trend.recent(series.counting(job, name, last=2 * RECENT), write=figures.measure)
