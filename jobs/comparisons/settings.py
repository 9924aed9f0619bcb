"""What jobs were told to do, setting by setting."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jobs import presets, sentinel
from jobs.comparisons import validation
from jobs.comparisons.made_from import MadeFrom
from jobs.templatetags import figures

_SHA_SHOWN = 12


@dataclass(frozen=True)
class Setting:
    """`values` as JSON has them, `shown` as people read them: one of each per job."""

    name: str
    label: str
    values: tuple[Any, ...]
    shown: tuple[str, ...]

    @property
    def differs(self) -> bool:
        return any(value != self.values[0] for value in self.values)


def settings(made: Sequence[MadeFrom]) -> list[Setting]:
    """All settings: data and machine, hyperparameters in the form's order, limits and rules."""
    return [
        *_of_data(made),
        *(_hyperparameter(made, name) for name in _names(made)),
        _setting(
            made,
            "effective_batch_size",
            "Effective batch size",
            lambda m: presets.effective_batch_size(m.job.hyperparameters, m.job.gpu_config["count"]),
            figures.count,
        ),
        _setting(
            made, "max_cost", "Budget", lambda m: None if m.job.max_cost is None else float(m.job.max_cost), _budget
        ),
        *_rules(made),
        _setting(made, "versions", "Trained with", lambda m: m.versions or None, _versions),
    ]


def _of_data(made: Sequence[MadeFrom]) -> Iterator[Setting]:
    yield _setting(made, "dataset", "Dataset", lambda m: m.job.dataset.name)
    yield _setting(made, "dataset_sha256", "Dataset's file", lambda m: m.dataset_sha256 or None, _sha)
    yield _setting(made, "validation", "Validation data", lambda m: validation.measure(m).words, _sentence)
    yield _setting(made, "base_model", "Base model", lambda m: m.job.base_model.name)
    yield _setting(made, "preset", "Preset", lambda m: m.job.preset, _preset)
    yield _setting(made, "gpu_type", "GPU type", lambda m: m.job.gpu_config["type"])
    yield _setting(made, "gpu_count", "GPUs", lambda m: m.job.gpu_config["count"])
    yield _setting(
        made,
        "price_per_gpu_hour",
        "Price per GPU and hour",
        lambda m: None if m.job.gpu_price_per_hour is None else float(m.job.gpu_price_per_hour),
        figures.dollars,
    )
    yield _setting(made, "resume_from", "Goes on from", _resumed, _resumed_words)


def _hyperparameter(made: Sequence[MadeFrom], name: str) -> Setting:
    field = presets.FIELDS.get(name)

    def shown(value: Any) -> str:
        return figures.ABSENT if value is None else str(field.shown(value) if field else value)

    return _setting(made, name, field.label if field else name, lambda m: m.job.hyperparameters.get(name), shown)


def _names(made: Sequence[MadeFrom]) -> list[str]:
    """Known hyperparameters first, then those that jobs of before had."""
    had = dict.fromkeys(name for each in made for name in each.job.hyperparameters)
    return [*(name for name in presets.FIELDS if name in had), *(name for name in had if name not in presets.FIELDS)]


def _rules(made: Sequence[MadeFrom]) -> Iterator[Setting]:
    in_force = [sentinel.in_force(each.job.sentinel) for each in made]
    for kind, (label, *_) in sentinel.LABELS.items():
        values = tuple(rules[kind].value for rules in in_force)
        yield Setting(
            f"sentinel.{kind.value}", label, values, tuple(sentinel.ACTIONS[rules[kind]] for rules in in_force)
        )


def _setting(
    made: Sequence[MadeFrom],
    name: str,
    label: str,
    read: Callable[[MadeFrom], Any],
    write: Callable[[Any], str] | None = None,
) -> Setting:
    values = tuple(read(each) for each in made)
    return Setting(name, label, values, tuple((write or _plain)(value) for value in values))


def _plain(value: Any) -> str:
    return figures.ABSENT if value is None else str(value)


def _sentence(value: str) -> str:
    return value[:1].upper() + value[1:]


def _sha(value: str | None) -> str:
    return value[:_SHA_SHOWN] if value else figures.ABSENT


def _budget(value: float | None) -> str:
    return "none" if value is None else figures.dollars(value)


def _preset(value: str) -> str:
    return presets.PRESETS[value].label if value in presets.PRESETS else value


def _versions(value: dict[str, str] | None) -> str:
    return ", ".join(f"{name} {version}" for name, version in value.items()) if value else figures.ABSENT


def _resumed(made: MadeFrom) -> dict[str, Any] | None:
    checkpoint = made.job.resume_from
    return None if checkpoint is None else {"job_id": str(checkpoint.job_id), "step": checkpoint.step}


def _resumed_words(value: dict[str, Any] | None) -> str:
    return "its start" if value is None else f"step {figures.count(value['step'])} of job {value['job_id'][:8]}"
