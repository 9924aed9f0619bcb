"""Tables as CSV files, which people open in a spreadsheet: no cell is something that one would execute. Pure."""

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime
from io import StringIO
from itertools import islice

from datasets.moments import moment

ROWS_PER_PIECE = 1000  # sending each line by itself would take far longer
# What a spreadsheet takes for a formula, or jumps over to reach one; wide forms included.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - the wide forms


def cell(value: object) -> object:
    """A value as a cell: times in ISO 8601, "" for nothing, text that looks like a formula behind an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, str) and value.lstrip(" \u00a0").startswith(_DANGEROUS):
        return f"'{value}"
    return value


def pieces(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The file in pieces of many lines, in bounded memory. The cells are written as they are: see `cell`."""
    remaining = iter(rows)
    while some := list(islice(remaining, ROWS_PER_PIECE)):
        piece = StringIO()
        csv.writer(piece).writerows(some)
        yield piece.getvalue()
