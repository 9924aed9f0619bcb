"""A model from a hub, by huggingface_hub: safetensors, tokenizer and settings only, resumable, with progress."""

import errno
import threading
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

from lora_trainer.errors import BaseModelUnavailable

WANTED = ("*.safetensors", "*.json", "*.jinja", "tokenizer*", "*.model", "merges.txt", "vocab.txt", "LICENSE*")
UNWANTED = ("*/*", "training_args*", "consolidated*")  # other formats of the same weights lie in subfolders
LOOK_S = 1.0


def download(location: str, into: Path, tell: Callable[[float, str], None]) -> None:
    """Fetches "owner/name" or "owner/name@revision" into the folder; raises BaseModelUnavailable."""
    name, _, revision = location.partition("@")
    try:
        tell(0, f"Asking the hub for {name}")
        total = _total(name, revision or None)
        done = threading.Event()
        watcher = threading.Thread(target=_watch, args=(into, total, done, name, tell), daemon=True)
        watcher.start()
        try:
            snapshot_download(
                name,
                revision=revision or None,
                local_dir=str(into),
                allow_patterns=list(WANTED),
                ignore_patterns=list(UNWANTED),
            )
        finally:
            done.set()
            watcher.join()
    except GatedRepoError:
        raise BaseModelUnavailable(
            f"{name} is gated: accept its licence on the hub and give the node a token (HF_TOKEN)."
        ) from None
    except RevisionNotFoundError:
        raise BaseModelUnavailable(f"{name} has no revision {revision}: correct what follows the @.") from None
    except RepositoryNotFoundError:
        raise BaseModelUnavailable(f"The hub has no model {name}, or it needs a token (HF_TOKEN).") from None
    except BaseModelUnavailable:
        raise
    except Exception as error:  # the client's own, and those of the HTTP library beneath it
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        raise BaseModelUnavailable(
            f"{name} cannot be fetched from the hub: {error}. Check that this machine reaches it (proxy, HF_ENDPOINT), "
            "or give the model as a folder."
        ) from None


def _total(name: str, revision: str | None) -> int:
    """Bytes to fetch."""
    info = HfApi().model_info(name, revision=revision, files_metadata=True)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    wanted = [path for path in sizes if _is_wanted(path)]
    if not any(path.endswith(".safetensors") for path in wanted):
        raise BaseModelUnavailable(f"{name} has no safetensors weights on the hub: choose a model that has.")
    return sum(sizes[path] for path in wanted)


def _is_wanted(path: str) -> bool:
    return any(fnmatch(path, pattern) for pattern in WANTED) and not any(fnmatch(path, each) for each in UNWANTED)


def _watch(folder: Path, total: int, done: threading.Event, name: str, tell: Callable[[float, str], None]) -> None:
    """Tells how many bytes have come; the hub's client keeps unfinished files below the same folder."""
    while not done.wait(LOOK_S):
        come = 0
        for path in folder.rglob("*"):
            try:
                come += path.stat().st_size if path.is_file() else 0
            except OSError:  # renamed meanwhile
                continue
        percent = min(90.0, 90 * come / total) if total else 0.0
        tell(percent, f"Fetching {name}: {come / 1e9:.1f} of {total / 1e9:.1f} GB")
