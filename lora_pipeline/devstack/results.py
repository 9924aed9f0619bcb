"""What a finished job came to, in words: how long each stage took, what was learned, where the adapter lies."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from textwrap import indent
from typing import Any
from urllib.parse import unquote, urlsplit

# A line per stage that took at least so long.
_WORTH_TELLING_SECONDS = 1.0


def described(
    job: Mapping[str, Any], events: Sequence[Mapping[str, Any]], artifact: Mapping[str, Any], bucket: str
) -> str:
    """Some lines about a completed job; without a sample where its trainer wrote none."""
    summary = artifact.get("training_summary") or {}
    lines = [f"{job['name']}: {', '.join(f'{stage} {seconds:.0f} s' for stage, seconds in stages(events))}."]
    if (losses := _losses(summary)) is not None:
        lines.append(f"  Loss      {losses} (validation: base model → best)")
    megabytes = sum(file["size"] for file in artifact["files"]) / 1e6
    place = f"{bucket}/{_folder(artifact, bucket)}"
    lines.append(f"  Files     {len(artifact['files'])} with {megabytes:.1f} MB in {place}")
    for sample in (summary.get("samples") or [])[:1]:
        lines += [
            f"  Asked     {_question(sample)}",
            "  Base      " + indent(str(sample["base"]).strip(), " " * 12).lstrip(),
            "  Adapter   " + indent(str(sample["adapter"]).strip(), " " * 12).lstrip(),
        ]
    return "\n".join(lines)


def stages(events: Sequence[Mapping[str, Any]]) -> list[tuple[str, float]]:
    """(stage, seconds) in order, from a job's timeline."""
    marks = [(_stage(event), datetime.fromisoformat(event["created_at"])) for event in events if _stage(event)]
    spans = [(stage, (after - begun).total_seconds()) for (stage, begun), (_, after) in pairwise(marks)]
    return [(stage.replace("_", " "), seconds) for stage, seconds in spans if seconds >= _WORTH_TELLING_SECONDS]


def problems(job: Mapping[str, Any], artifact: Mapping[str, Any]) -> list[str]:
    """What a job that was trained for real must have and lacks."""
    names = {file["path"].rpartition("/")[2] for file in artifact["files"]}
    wanted = ("adapter_model.safetensors", "adapter_config.json", "training_summary.json")
    found = [f"{job['name']} has no {name}." for name in wanted if name not in names]
    summary = artifact.get("training_summary") or {}
    base, best = summary.get("base_validation_loss"), summary.get("best_validation_loss")
    if base is None or best is None or not best < base:
        found.append(f"{job['name']} learned nothing: its validation loss went from {base} to {best}.")
    return found


def _stage(event: Mapping[str, Any]) -> str:
    """The stage that an event begins; a change of status begins or ends one as well."""
    if event["kind"] == "stage":
        return str(event["detail"].get("stage") or "")
    return str(event["to_status"]) if event["kind"] == "status" else ""


def _losses(summary: Mapping[str, Any]) -> str | None:
    base, best = summary.get("base_validation_loss"), summary.get("best_validation_loss")
    return None if base is None or best is None else f"{base:.3f} → {best:.3f}"


def _question(sample: Mapping[str, Any]) -> str:
    asked = [turn["content"] for turn in sample["prompt"] if turn["role"] == "user"]
    return str(asked[-1]) if asked else ""


def _folder(artifact: Mapping[str, Any], bucket: str) -> str:
    """The key that the files have in common, from the address of the first."""
    first = artifact["files"][0]
    key = unquote(urlsplit(first["url"] or "").path).removeprefix("/").removeprefix(f"{bucket}/")
    return key.removesuffix(first["path"])
