"""`bin/manage …`: manage.py in the environment of the stack that bin/demo starts."""

import os
import shlex
import sys
from pathlib import Path

from lora_pipeline.devstack.places import ROOT, Places


def main(arguments: list[str]) -> None:
    """Become `manage.py arguments…`; ends with advice when nothing has been set up yet."""
    environment = read_environment(Places(ROOT / ".local").environment)
    if not environment:
        sys.exit("Nothing is set up yet: run bin/demo first.")
    os.environ.update(environment)
    os.execv(sys.executable, [sys.executable, str(ROOT / "manage.py"), *arguments])  # noqa: S606 - the very purpose


def read_environment(path: Path) -> dict[str, str]:
    """NAME → value from a file that a shell could source; empty when there is none."""
    if not path.exists():
        return {}
    pairs = (word.partition("=") for word in shlex.split(path.read_text()))
    return {name: value for name, _, value in pairs}


if __name__ == "__main__":
    main(sys.argv[1:])
