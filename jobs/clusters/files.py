"""The files that a finished job names, whichever way its cluster names them. Pure."""

from pathlib import PurePosixPath

from accounts.redaction import redact
from jobs.clusters.base import ArtifactFile, Status

LONGEST_PATH = 512


def files_of(status: Status) -> list[ArtifactFile]:
    """The `model_files` {name: URL} of a level-1 status as files to download; empty where it names none.

    Raises ValueError for a name that is no relative path inside of the job's folder.
    """
    named = status.model_files or {}
    return [ArtifactFile(safe_path(name), size=None, sha256=None, url=url) for name, url in named.items()]


def safe_path(path: object) -> str:
    """The path, if it is relative, printable and stays inside of its folder; else ValueError with the reason."""
    if not isinstance(path, str) or not path or len(path) > LONGEST_PATH:
        raise ValueError(f"a file's path must be a text of 1 to {LONGEST_PATH} characters")
    if not path.isprintable() or "\\" in path or redact(path) != path:
        raise ValueError("a file's path has characters that are not allowed")
    if path != PurePosixPath(path).as_posix() or path.startswith("/") or {".", ".."} & set(path.split("/")):
        raise ValueError(f"the file's path {path[:80]!r} leaves its folder")
    return path
