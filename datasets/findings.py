"""The report of a dataset's validation as people and programs read it: findings by kind, and as a file."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from datasets import full_report, spreadsheet
from datasets.models import Dataset, DatasetReport


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
    """`kinds` are all there are, errors and the commonest first; `groups` what is shown: all, or of one `kind`.

    `total` of them were found, of which `shown` are shown and `downloadable` are in the files to take along.
    """

    kind: str
    kinds: list[Kind]
    groups: list[Group]
    total: int
    shown: int
    downloadable: int


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
    total = dataset.validation_error_count + dataset.validation_warning_count
    kept = sum(len(shown) for _, shown, _, _ in sides)
    stored = report.findings_count if report is not None and report.findings_etag else kept
    return Findings(kind, kinds, groups, total, sum(len(group.shown) for group in groups), stored)


def as_json(dataset: Dataset) -> dict[str, Any]:
    """The report as one object, with the findings that the page shows."""
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


def all_rows(dataset: Dataset) -> Iterator[dict[str, Any]]:
    """All findings (full_report.COLUMNS), read as they are taken: in the file's order where they come from storage,
    else errors first. Raises ReportGone, StorageError, at once."""
    report = DatasetReport.objects.filter(dataset=dataset).first()
    if report is not None and report.findings_etag:
        return full_report.stored_rows(dataset, report)
    sides = _sides(dataset, report)
    return (full_report.row(is_error, each) for is_error, shown, _, _ in sides for each in shown)


def as_csv(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """The rows as a table in pieces; what a spreadsheet would take for a formula begins with an apostrophe."""
    cells = ([spreadsheet.cell(row[column]) for column in full_report.COLUMNS] for row in rows)
    return spreadsheet.pieces(chain([full_report.COLUMNS], cells))


def as_json_lines(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """One object on each line, in pieces of many lines."""
    while some := list(islice(rows, spreadsheet.ROWS_PER_PIECE)):
        yield "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in some)


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
