"""Reads a file of JSON lines into conversations; whatever cannot be used is reported by its line."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from lora_trainer.data.layouts import Conversation, Unusable, read_example
from lora_trainer.errors import DatasetInvalid


@dataclass(frozen=True)
class Skipped:
    """A line that is not trained on. `file` is "dataset" or "validation"."""

    file: str
    line: int
    reason: str


def read_file(file: str, path: Path) -> tuple[list[Conversation], list[Skipped]]:
    """Every usable line as a conversation, and the others with their reasons. Empty lines are neither.

    Raises DatasetInvalid when the file cannot be read or no line of it is usable.
    """
    conversations: list[Conversation] = []
    skipped: list[Skipped] = []
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
                if not text:
                    continue
                try:
                    conversations.append(read_example(number, _parse(text)))
                except Unusable as reason:
                    skipped.append(Skipped(file, number, str(reason)))
    except OSError as error:
        raise DatasetInvalid(f"The {file} file cannot be read: {error.strerror}.") from None
    if not conversations:
        first = f" Line {skipped[0].line}: {skipped[0].reason}." if skipped else " It has no lines with text."
        raise DatasetInvalid(f"The {file} file has no usable example.{first}")
    return conversations, skipped


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_unique)
    except UnicodeDecodeError:
        raise Unusable("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise Unusable(f"not valid JSON at column {error.colno}: {error.msg}") from None
    except (RecursionError, ValueError):
        raise Unusable("the JSON is nested too deeply or has a number with too many digits") from None


def _refuse(name: str) -> NoReturn:
    raise Unusable(f"{name} is not a JSON value")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Unusable("a key appears twice in one object")
    return value
