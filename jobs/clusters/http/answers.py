"""A cluster's other JSON answers -> the dataclasses of `jobs.clusters.base`. Pure; raises ValueError.

Stricter than progress: a wrong list here would start a job twice or store a file in the wrong place.
"""

from typing import Any

from jobs.clusters.base import ArtifactFile, ArtifactListing, Capabilities, Known, LogPage, SavedCheckpoint
from jobs.clusters.files import safe_path
from jobs.clusters.http import envelope, progress, reading

LEVEL_1 = Capabilities(level=1)

_LONGEST_ID = 200
_LONGEST_LINE = 10_000
_MOST_FILES = 1000
_MOST_CHECKPOINTS = 1000


def capabilities(answer: object) -> Capabilities:
    """What `GET /training/capabilities` says. ValueError without an api_version: then it is no such answer."""
    said = envelope.around(answer, "api_version")
    level = reading.integer(said["api_version"])
    if not level:
        raise ValueError("api_version is not a number")
    if level == 1:
        return LEVEL_1
    features, offers = said.get("features"), said.get("gpu_types")
    gpu_types = {}
    for offer in map(reading.mapping, offers if isinstance(offers, list) else []):
        name, count = reading.text(offer.get("type"), longest=64), reading.integer(offer.get("count"))
        if name is not None and count:
            gpu_types[name] = count
    return Capabilities(
        level=2,
        features=frozenset(filter(None, map(_feature, features if isinstance(features, list) else []))),
        gpu_types=tuple(gpu_types.items()),
        simulated=said.get("simulated") is True,
    )


def _feature(name: object) -> str | None:
    return reading.text(name, longest=64) if isinstance(name, str) else None


def submitted(answer: object) -> str:
    """The id that the cluster gave to the job it took."""
    return external_job_id(envelope.around(answer, "external_job_id")["external_job_id"])


def external_job_id(said: object) -> str:
    """An id as a cluster gave it. ValueError when it cannot be stored and asked for again."""
    name = str(said) if isinstance(said, int) and not isinstance(said, bool) else said
    if not isinstance(name, str) or not name.strip(" .") or len(name) > _LONGEST_ID or not name.isprintable():
        raise ValueError(f"external_job_id must be a printable text of 1 to {_LONGEST_ID} characters")
    return name


def known_jobs(answer: object) -> tuple[list[Known], str | None]:
    """Listed jobs, and the cursor of the next page if there is one."""
    page, entries = envelope.listed(answer, "jobs")
    following = reading.text(page.get("next"), longest=_LONGEST_ID)
    return [_known(entry) for entry in entries], following if page.get("has_more") is True else None


def _known(entry: object) -> Known:
    said = reading.mapping(entry)
    labels = reading.texts(said.get("labels"))
    return Known(
        external_job_id=external_job_id(said.get("external_job_id")),
        job_id=reading.text(said.get("job_id")) or labels.get("job_id", ""),
        attempt=reading.integer(said.get("attempt")),
        state=progress.word(said) or progress.NOT_SAID,
        labels=labels,
    )


def log_page(answer: object, after: int) -> LogPage:
    """Log lines, each a text or an object with a `line`."""
    page, entries = envelope.listed(answer, "lines")
    following, more = progress.cursor(page, entries, after)
    return LogPage([_line(entry) for entry in entries], following, more)


def _line(entry: Any) -> str:
    said = entry.get("line", entry.get("text")) if isinstance(entry, dict) else entry
    return reading.text(said, longest=_LONGEST_LINE) or ""


def artifacts(answer: object) -> ArtifactListing:
    """The files of a job; of one that is listed twice the last."""
    page, entries = envelope.listed(answer, "files", most=_MOST_FILES)
    files = {file.path: file for file in (_file(reading.mapping(entry)) for entry in entries)}
    return ArtifactListing(list(files.values()), page.get("complete") is not False)


def checkpoints(answer: object) -> list[SavedCheckpoint]:
    """The checkpoints of a job, the last ones of very many; one without step or files or with an unsafe path not."""
    _, entries = envelope.listed(answer, "checkpoints")
    return [
        saved for entry in entries[-_MOST_CHECKPOINTS:] if (saved := _checkpoint(reading.mapping(entry))) is not None
    ]


def _checkpoint(said: Any) -> SavedCheckpoint | None:
    step, files = reading.integer(said.get("step"), high=reading.MAX_BIGINT), said.get("files")
    if step is None or not isinstance(files, list) or not 0 < len(files) <= _MOST_FILES:
        return None
    restart = reading.integer(said.get("restart")) or 0
    try:
        listed = [_file(reading.mapping(file)) for file in files]
        path = safe_path(said.get("path", f"checkpoints/step-{step:06d}-r{restart}"))
    except ValueError:
        return None
    if len({file.path for file in listed}) < len(listed):
        return None
    return SavedCheckpoint(
        path=path,
        step=step,
        restart=restart,
        files=listed,
        epoch=reading.number(said.get("epoch"), low=0),
        validation_loss=reading.number(said.get("validation_loss")),
        at=reading.moment(said.get("at")),
    )


def _file(said: Any) -> ArtifactFile:
    url, sha256 = said.get("url"), reading.text(said.get("sha256"), longest=64)
    return ArtifactFile(
        path=safe_path(said.get("path")),
        size=reading.integer(said.get("size"), high=reading.MAX_BIGINT),
        sha256=sha256.lower() if sha256 else None,
        url=url if isinstance(url, str) and url else None,
    )
