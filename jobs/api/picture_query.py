"""How somebody wants a chart to be drawn as a picture."""

import math
from collections.abc import Iterable
from dataclasses import replace

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from jobs import curves, series
from jobs.api.inputs import StepsQuery
from jobs.charts.inks import THEMES
from jobs.charts.subjects import SUBJECTS, Subject


class PictureQuery(StepsQuery):
    """How a picture of a chart is drawn; the names are those of the page's address. `subject` in the context."""

    x = serializers.ChoiceField(curves.AXES, default="step", help_text="time is since the first step")
    smoothing = serializers.FloatField(
        default=0.0,
        min_value=0.0,
        max_value=curves.MOST_SMOOTHING,
        help_text="weight of the moving average; 0 draws the values alone. Not of learning-rate and gpu-memory",
    )
    log = serializers.BooleanField(default=False, help_text="a logarithmic scale, of loss and gradient-norm")
    clip = serializers.BooleanField(default=False, help_text="leave the outermost hundredth out of the scale")
    marks = serializers.BooleanField(
        default=True, help_text="where training resumed, and of the loss checkpoints and alerts"
    )
    hide = serializers.MultipleChoiceField(
        choices=[metric for subject in SUBJECTS.values() for metric in subject.metrics if len(subject.metrics) > 1],
        required=False,
        help_text="lines to leave out of a chart that has several",
    )
    theme = serializers.ChoiceField(THEMES, default="light", help_text="dark ink on white, or light ink on dark")

    def validate_smoothing(self, value: float) -> float:
        if math.isnan(value):
            raise ValidationError(["A valid number is required."])
        if value and not self._subject.can_smooth:
            raise ValidationError([f"The chart of the {self._subject.noun} has no noise to smooth: leave it out."])
        return value

    def validate_log(self, value: bool) -> bool:
        if value and not self._subject.can_log:
            raise ValidationError([f"The chart of the {self._subject.noun} has no logarithmic scale: leave it out."])
        return value

    def validate_hide(self, value: Iterable[str]) -> list[str]:
        hidden, there = set(value), set(self._subject.metrics)
        if unknown := sorted(hidden - there):
            raise ValidationError([f"The chart of the {self._subject.noun} has no line {unknown[0]}."])
        if hidden == there:
            raise ValidationError(["Nothing would be left to draw: leave out one of them."])
        return sorted(hidden)

    @property
    def subject(self) -> Subject:
        """The chart without the lines that are hidden, once it is valid."""
        hidden = self.validated_data.get("hide", [])
        return replace(self._subject, lines=tuple(each for each in self._subject.lines if each.metric not in hidden))

    @property
    def _subject(self) -> Subject:
        subject: Subject = self.context["subject"]
        return subject

    @property
    def look(self) -> curves.Look:
        """What was chosen, once it is valid."""
        chosen = self.validated_data
        steps = chosen["steps"]
        return curves.Look(
            axis=chosen["x"],
            smoothing=chosen["smoothing"],
            log=chosen["log"],
            clip=chosen["clip"],
            view=None if steps == series.EVERY_STEP else (steps.first, steps.last),
        )
