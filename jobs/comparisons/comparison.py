"""Some jobs compared, as pages, files and the API show it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from datasets import spreadsheet
from jobs import evaluations
from jobs.comparisons import validation
from jobs.comparisons.made_from import made_from
from jobs.comparisons.results import Result, results
from jobs.comparisons.settings import Setting, settings
from jobs.models import TrainingJob

LEAST, MOST = 2, 8  # so many curves can be told apart


@dataclass(frozen=True)
class Comparison:
    """`obstacle` says why no validation loss is marked as the best; "" where the best is: then they are all measured
    on what `measured_on` says."""

    jobs: Sequence[TrainingJob]
    settings: list[Setting]
    results: list[Result]
    obstacle: str
    measured_on: str

    @property
    def differing(self) -> list[Setting]:
        return [setting for setting in self.settings if setting.differs]

    @property
    def is_live(self) -> bool:
        return any(not job.is_terminal for job in self.jobs)

    def rows(self) -> Iterator[tuple[object, ...]]:
        """All as texts: a head, results, settings. A column per job; figures without thousands' commas or units."""
        yield ("", *(_cell(job.name) for job in self.jobs))
        yield ("Id", *(str(job.pk) for job in self.jobs))
        lines = [(row.label, row.values) for row in self.results] + [(row.label, row.values) for row in self.settings]
        for label, values in lines:
            yield (label, *(_cell(value) for value in values))

    def as_json(self) -> dict[str, Any]:
        """Without the jobs themselves; values in their order."""
        return {
            "results": [
                {"name": row.name, "label": row.label, "values": list(row.values), "best": list(row.best)}
                for row in self.results
            ],
            "settings": [
                {"name": row.name, "label": row.label, "values": list(row.values), "differs": row.differs}
                for row in self.settings
            ],
            "validation": {"comparable": not self.obstacle, "reason": self.obstacle},
        }


def fits(count: int) -> bool:
    """Whether so many jobs can be compared."""
    return LEAST <= count <= MOST


def compare(jobs: Sequence[TrainingJob], *, now: datetime) -> Comparison:
    """LEAST to MOST jobs as selectors.jobs_of reads them, in a fixed number of queries."""
    made = made_from(jobs)
    measures = [validation.measure(each) for each in made]
    obstacle = validation.obstacle(measures)
    return Comparison(
        jobs=jobs,
        settings=settings(made),
        results=results(jobs, evaluations.best(jobs), comparable=not obstacle, now=now),
        obstacle=obstacle,
        measured_on=measures[0].words,
    )


def _cell(value: Any) -> object:
    """A value in a file that a spreadsheet opens."""
    if isinstance(value, dict):
        value = "; ".join(f"{name} {inner}" for name, inner in value.items())
    return spreadsheet.cell(value)
