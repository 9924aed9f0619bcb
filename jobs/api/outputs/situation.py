"""How it stands with a job, as its page says it: jobs.monitor decides, these are the shape and the documentation."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from datasets.moments import moment
from jobs.models import TrainingJob
from jobs.monitor import projection, trends
from jobs.monitor.clocks import Clock
from jobs.monitor.phases import State
from jobs.monitor.situation import Situation, WaitsFor
from jobs.monitor.trend import Trend


class ClockOutput(serializers.Serializer[Any]):
    at = serializers.DateTimeField(allow_null=True, help_text="by our clock; null: never, or not to be expected now")
    seconds_ago = serializers.FloatField(allow_null=True, help_text="as of this answer")
    normal_seconds = serializers.FloatField(help_text="an older one is unusual")


class ClocksOutput(serializers.Serializer[Any]):
    cluster = ClockOutput(help_text="when its cluster was last heard of it")
    heartbeat = ClockOutput(help_text="when the run's last sign of life was seen")
    step = ClockOutput(help_text="when the run's last new step was seen")


class SituationOutput(serializers.Serializer[Any]):
    sentence = serializers.CharField(help_text="what is going on, in plain words")
    waits_for = serializers.ChoiceField([each.value for each in WaitsFor], help_text="who has to do something next")
    is_trouble = serializers.BooleanField(help_text="something is not as it should be")
    clocks = ClocksOutput()
    projected_cost = serializers.FloatField(allow_null=True, help_text="US dollars at the end, by the present ETA")


class TrendOutput(serializers.Serializer[Any]):
    direction = serializers.ChoiceField(["up", "down", "level"])
    difference = serializers.FloatField()
    since_step = serializers.IntegerField()
    words = serializers.CharField(help_text="the same as a reader is told")


class BestOutput(serializers.Serializer[Any]):
    value = serializers.FloatField()
    step = serializers.IntegerField()


class TrendsOutput(serializers.Serializer[Any]):
    training_loss = TrendOutput(allow_null=True, help_text="the newest points against those before")
    throughput = TrendOutput(allow_null=True, help_text="the newest points against those before")
    validation_loss = TrendOutput(allow_null=True, help_text="the last evaluation against the one before")
    best_validation_loss = BestOutput(allow_null=True)


class PhaseOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    title = serializers.CharField(source="label")
    state = serializers.ChoiceField([state.value for state in State], help_text="failed, stopped: the job ended in it")
    seconds = serializers.FloatField(allow_null=True, help_text="spent in it so far; null: not entered")
    since = serializers.DateTimeField(allow_null=True, help_text="when the present phase began")


def situation_json(job: TrainingJob, found: Situation, *, now: datetime) -> dict[str, Any]:
    """A situation of the job's, as jobs.monitor.facts finds it."""
    projected = projection.projected_cost(job, heard_at=found.clocks.cluster.at)
    return {
        "sentence": found.sentence,
        "waits_for": found.waits_for.value,
        "is_trouble": found.is_trouble,
        "clocks": {name: _clock(getattr(found.clocks, name), now) for name in ("cluster", "heartbeat", "step")},
        "projected_cost": None if projected is None else float(projected),
    }


def trends_json(job: TrainingJob) -> dict[str, Any]:
    """To be asked for after the job's chart, whose points it looks at."""
    found = trends.trends_of(job)
    best = found.best_validation_loss
    return {
        "training_loss": _trend(found.training_loss),
        "throughput": _trend(found.throughput),
        "validation_loss": _trend(found.validation_loss),
        "best_validation_loss": best and {"value": best.value, "step": best.step},
    }


def _clock(clock: Clock, now: datetime) -> dict[str, Any]:
    ago = None if clock.at is None else max(0.0, round((now - clock.at).total_seconds(), 1))
    return {"at": None if clock.at is None else moment(clock.at), "seconds_ago": ago, "normal_seconds": clock.normal_s}


def _trend(trend: Trend | None) -> dict[str, Any] | None:
    if trend is None:
        return None
    return {
        "direction": trend.direction,
        "difference": trend.difference,
        "since_step": trend.since_step,
        "words": trend.words,
    }
