"""The report of a dataset's validation as people and programs read it: findings by kind, and as a file.

Pages and the API use the same names for the same things: severity, kind, line, field, error, suggestion, excerpt.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any

from datasets import full_report, spreadsheet
from datasets.models import Dataset, DatasetReport


@dataclass(frozen=True)
class Kind:
    """Findings of one kind: `count` of them there are."""

    kind: str
    severity: str
    count: int


@dataclass(frozen=True)
class Group:
    """Findings of one severity: the first ones, of `count`."""

    severity: str
    count: int
    findings: list[dict[str, Any]]


@dataclass(frozen=True)
class Findings:
    """`kinds` are all there are, errors and the commonest first; `groups` what is shown: all, or of one `kind`.

    `downloadable` of them are in the files to take along.
    """

    validated_at: datetime | None
    error_count: int
    warning_count: int
    kind: str
    kinds: list[Kind]
    groups: list[Group]
    downloadable: int

    @property
    def count(self) -> int:
        """How many were found, of every kind."""
        return self.error_count + self.warning_count

    @property
    def findings(self) -> list[dict[str, Any]]:
        """What is shown, errors first."""
        return [each for group in self.groups for each in group.findings]


@dataclass(frozen=True)
class FindingsFile:
    """All findings as a file; its `pieces` are made while they are taken."""

    name: str
    content_type: str
    pieces: Iterator[str]

    @property
    def headers(self) -> dict[str, str]:
        """What an answer says of it."""
        return {"Content-Type": self.content_type, "Content-Disposition": f'attachment; filename="{self.name}"'}


def findings(dataset: Dataset, kind: str = "") -> Findings:
    """What the last validation found; with a `kind` that there is only that one."""
    report = DatasetReport.objects.filter(dataset=dataset).first()
    sides = _sides(dataset, report)
    kinds = [
        Kind(name, severity, count)
        for severity, _, _, counts in sides
        for name, count in sorted(counts.items(), key=lambda item: -item[1])
    ]
    kind = kind if any(each.kind == kind for each in kinds) else ""
    groups = []
    for severity, kept, count, counts in sides:
        shown = [{"severity": severity, **each} for each in kept if not kind or each.get("kind") == kind]
        groups.append(Group(severity, counts.get(kind, 0) if kind else count, shown))
    in_rows = sum(len(kept) for _, kept, _, _ in sides)
    return Findings(
        validated_at=dataset.validated_at,
        error_count=dataset.validation_error_count,
        warning_count=dataset.validation_warning_count,
        kind=kind,
        kinds=kinds,
        groups=groups,
        downloadable=report.findings_count if report is not None and report.findings_etag else in_rows,
    )


def findings_file(dataset: Dataset, ending: str) -> FindingsFile:
    """All findings as "csv" or "jsonl", as the pages and the API give it. Raises ReportGone, StorageError, at once."""
    written, content_type = _FILES[ending]
    # The name comes from the id: a file's name may hold anything.
    name = f"dataset-{dataset.short_id}-findings.{ending}"
    return FindingsFile(name, content_type, written(_all_rows(dataset)))


def _all_rows(dataset: Dataset) -> Iterator[dict[str, Any]]:
    """All findings (full_report.COLUMNS), read as they are taken: in the file's order where they come from storage,
    else errors first. Raises ReportGone, StorageError, at once."""
    report = DatasetReport.objects.filter(dataset=dataset).first()
    if report is not None and report.findings_etag:
        return full_report.stored_rows(dataset, report)
    sides = _sides(dataset, report)
    return (full_report.row(severity, each) for severity, kept, _, _ in sides for each in kept)


def _as_csv(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """The rows as a table in pieces; what a spreadsheet would take for a formula begins with an apostrophe."""
    cells = ([spreadsheet.cell(row[column]) for column in full_report.COLUMNS] for row in rows)
    return spreadsheet.pieces(chain([full_report.COLUMNS], cells))


def _as_json_lines(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """One object on each line, in pieces of many lines."""
    while some := list(islice(rows, spreadsheet.ROWS_PER_PIECE)):
        yield "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in some)


_FILES: dict[str, tuple[Callable[[Iterator[dict[str, Any]]], Iterator[str]], str]] = {
    "csv": (_as_csv, "text/csv; charset=utf-8"),
    "jsonl": (_as_json_lines, "application/jsonl"),
}


def _sides(
    dataset: Dataset, report: DatasetReport | None
) -> list[tuple[str, list[dict[str, Any]], int, dict[str, int]]]:
    """Errors and warnings: (severity, findings, how many there are, counts by kind). Without a report, what the dataset
    itself keeps: of validations before there were reports, and of files that could not be read."""
    if report is None:
        return [
            ("error", dataset.validation_errors, dataset.validation_error_count, {}),
            ("warning", dataset.validation_warnings, dataset.validation_warning_count, {}),
        ]
    return [
        ("error", report.errors, dataset.validation_error_count, report.error_kinds),
        ("warning", report.warnings, dataset.validation_warning_count, report.warning_kinds),
    ]
