"""The demo's two data sets, made from hand-written tables: the same bytes every time, licence CC0-1.0.

shell_tasks.toml   what people ask about the command line, and the desk's answers
http_codes.toml    what status codes mean, to callers and to operators
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lora_pipeline.devstack.demo_data import desks

LICENCE = "CC0-1.0"


@dataclass(frozen=True)
class DataSet:
    """A chat data set as a file: one JSON object a line, UTF-8."""

    name: str
    file_name: str
    description: str
    contents: bytes


def shell_desk() -> DataSet:
    """Questions about the command line, answered as Do / Why / Check."""
    tasks = desks.table("shell_tasks")
    return DataSet(
        name="Shell desk",
        file_name="shell-desk.jsonl",
        description=f"Questions about the command line, answered as Do / Why / Check. Licence: {LICENCE}.",
        contents=_jsonl(tasks["system"], desks.shell_exchanges(tasks)),
    )


def http_desk() -> DataSet:
    """Questions about HTTP status codes, answered as Status / Meaning / Next."""
    codes = desks.table("http_codes")
    return DataSet(
        name="HTTP desk",
        file_name="http-desk.jsonl",
        description=f"Questions about HTTP status codes, answered as Status / Meaning / Next. Licence: {LICENCE}.",
        contents=_jsonl(codes["system"], desks.http_exchanges(codes)),
    )


def _jsonl(system: str, exchanges: Iterable[tuple[str, str]]) -> bytes:
    return "".join(f"{line}\n" for line in _lines(system, exchanges)).encode()


def _lines(system: str, exchanges: Iterable[tuple[str, str]]) -> Iterator[str]:
    for question, answer in exchanges:
        turns = (("system", system), ("user", question), ("assistant", answer))
        yield json.dumps({"messages": [{"role": role, "content": text} for role, text in turns]}, ensure_ascii=False)
