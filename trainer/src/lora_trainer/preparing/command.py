"""`prepare-model`: makes a folder that AutoModelForCausalLM loads, complete or not at all.

Standard output has one JSON object a line: {"progress": 0-100, "text"} on the way, {"done": true, "path"} at the
end, or {"error": code, "text": what to do} and exit code 1.
"""

import errno
import json
import logging
import shutil
import sys
from pathlib import Path

from lora_trainer.errors import BaseModelUnavailable, TrainingFailed

log = logging.getLogger(__name__)


def prepare_model(kind: str, location: str, files: Path | None, into: Path) -> int:
    """Prepares the model unless `into` exists; returns the exit code."""
    into = into.resolve()
    try:
        path = into if into.exists() else _prepare(kind, location, files, into)
    except TrainingFailed as failure:
        _say(error=failure.code, text=failure.message)
        return 1
    except OSError as error:
        code = "disk_full" if error.errno == errno.ENOSPC else "base_model_unavailable"
        _say(error=code, text=f"The base model cannot be written below {into.parent}: {error.strerror or error}.")
        return 1
    except Exception as error:
        log.exception("preparing %s failed", location)
        _say(error="base_model_unavailable", text=f"{location} cannot be prepared: {type(error).__name__}: {error}")
        return 1
    _say(done=True, path=str(path))
    return 0


def _prepare(kind: str, location: str, files: Path | None, into: Path) -> Path:
    # Each of these imports torch or the hub's client, and only one is needed.
    from lora_trainer.preparing.checking import check_model, mend_generation

    if kind == "folder":
        check_model(Path(location))
        return Path(location)
    partial = into.with_name(f"{into.name}.partial")
    partial.mkdir(parents=True, exist_ok=True)
    if kind == "hub":
        from lora_trainer.preparing.hub import download

        download(location, partial, _progress)
    elif kind == "package":
        from lora_trainer.preparing.gguf import convert_package

        convert_package(location, files, partial, _progress)
    else:
        _take_files(files, partial)
    _progress(95, "Checking the model")
    mend_generation(partial)
    check_model(partial)
    partial.rename(into)
    return into


def _take_files(files: Path | None, partial: Path) -> None:
    """Links where the disk can, since models are large."""
    if files is None or not files.is_dir():
        raise BaseModelUnavailable(f"--files {files} is not a folder with the model's files.")
    shutil.rmtree(partial)
    shutil.copytree(files, partial, copy_function=_link)


def _link(source: str, target: str) -> None:
    # The two small JSON files that are mended later are copied: the original must stay as it is.
    if source.endswith(".json"):
        shutil.copy2(source, target)
        return
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def _progress(percent: float, text: str) -> None:
    _say(progress=round(percent, 1), text=text)


def _say(**content: object) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()
