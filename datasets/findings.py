"""The report of a dataset's validation as people and programs read it: findings by kind, and as a file."""

from dataclasses import dataclass
from itertools import chain
from typing import Any

from datasets import spreadsheet
from datasets.models import Dataset, DatasetReport

COLUMNS = ("severity", "line", "field", "error", "suggestion", "kind", "text")


@dataclass(frozen=True)
class Kind:
    """Findings of one kind: `count` of them there are, `kept` of those are shown."""

    name: str
    is_error: bool
    count: int
    kept: int


@dataclass(frozen=True)
class Group:
    """Errors or warnings: the `shown` ones of `total`."""

    title: str
    is_error: bool
    total: int
    shown: list[dict[str, Any]]


@dataclass(frozen=True)
class Findings:
    """`kinds` are all there are, errors and the commonest first; `groups` what is shown: all, or of one `kind`."""

    kind: str
    kinds: list[Kind]
    groups: list[Group]


def findings(dataset: Dataset, kind: str = "") -> Findings:
    """What the last validation found; with a `kind` that there is only that one."""
    report = DatasetReport.objects.filter(dataset=dataset).first()
    sides = _sides(dataset, report)
    kinds = [
        Kind(name, is_error, count, sum(1 for each in shown if each.get("kind") == name))
        for is_error, shown, _, counts in sides
        for name, count in sorted(counts.items(), key=lambda item: -item[1])
    ]
    kind = kind if any(each.name == kind for each in kinds) else ""
    groups = []
    for is_error, shown, total, counts in sides:
        if kind:
            shown, total = [each for each in shown if each.get("kind") == kind], counts.get(kind, 0)
        groups.append(Group("Errors" if is_error else "Warnings", is_error, total, shown))
    return Findings(kind, kinds, groups)


def as_json(dataset: Dataset) -> dict[str, Any]:
    """The report as one object."""
    found = findings(dataset)
    return {
        "dataset": {"id": str(dataset.pk), "name": dataset.name, "file_name": dataset.file_name},
        "validated_at": dataset.validated_at,
        "error_count": dataset.validation_error_count,
        "warning_count": dataset.validation_warning_count,
        "kinds": [
            {"kind": kind.name, "severity": _severity(kind.is_error), "count": kind.count} for kind in found.kinds
        ],
        "findings": [{"severity": _severity(group.is_error), **each} for group in found.groups for each in group.shown],
    }


def as_csv(dataset: Dataset) -> str:
    """The findings as a table; what a spreadsheet would take for a formula begins with an apostrophe."""
    shown = ((group, each) for group in findings(dataset).groups for each in group.shown)
    rows = ([spreadsheet.cell(_cell(group, each, column)) for column in COLUMNS] for group, each in shown)
    return "".join(spreadsheet.pieces(chain([COLUMNS], rows)))


def _cell(group: Group, each: dict[str, Any], column: str) -> Any:
    if column == "severity":
        return _severity(group.is_error)
    if column == "text":
        excerpt = each.get("excerpt") or {}
        return "".join(excerpt.get(part, "") for part in ("before", "mark", "after"))
    return each.get(column)


def _severity(is_error: bool) -> str:
    return "error" if is_error else "warning"


def _sides(
    dataset: Dataset, report: DatasetReport | None
) -> list[tuple[bool, list[dict[str, Any]], int, dict[str, int]]]:
    """Errors and warnings: (is_error, findings, how many there are, counts by kind). Without a report, what the dataset
    itself keeps: of validations before there were reports, and of files that could not be read."""
    if report is None:
        return [
            (True, dataset.validation_errors, dataset.validation_error_count, {}),
            (False, dataset.validation_warnings, dataset.validation_warning_count, {}),
        ]
    return [
        (True, report.errors, dataset.validation_error_count, report.error_kinds),
        (False, report.warnings, dataset.validation_warning_count, report.warning_kinds),
    ]
