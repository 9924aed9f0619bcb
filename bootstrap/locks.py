"""`bin/lock`: every *.in becomes a lock that pins what it needs, for all platforms, with hashes."""

from collections.abc import Sequence
from pathlib import Path

from bootstrap.installer import Installer, SetupFailed, Uv

# In this order: later ones are constrained by earlier ones.
LOCKS = {
    "requirements/uv.in": "requirements/uv.txt",
    "requirements/app.in": "requirements.txt",
    "requirements/stack.in": "requirements/stack.txt",
    "requirements/dev.in": "requirements/dev.txt",
    "gpu_node/requirements.in": "gpu_node/requirements.txt",
    "gpu_node/requirements-dev.in": "gpu_node/requirements-dev.txt",
    "trainer/requirements.in": "trainer/requirements.txt",
    "trainer/requirements-dev.in": "trainer/requirements-dev.txt",
    "trainer/requirements-cuda.in": "trainer/requirements-cuda.txt",
}
# torch stays out of the trainer's locks: which of its builds, and so which hash, is each machine's choice.
EXCLUDED = {"trainer": "trainer/requirements-torch.txt"}


def pin_anew(root: Path, installer: Installer, arguments: Sequence[str]) -> None:
    """Compile all locks; `arguments` go to `uv pip compile`, as in `--upgrade` or `--upgrade-package django`.

    Without arguments versions stay as they are, as far as the *.in files allow.
    """
    if not isinstance(installer, Uv):
        raise SetupFailed("Locks are made by uv, and uv has no wheel for this machine.")
    for source, lock in LOCKS.items():
        excluded = EXCLUDED.get(source.partition("/")[0])
        installer.run(
            *("pip", "compile", str(root / source), "--output-file", str(root / lock)),
            *("--universal", "--python-version", "3.11", "--generate-hashes"),
            *(("--excludes", str(root / excluded)) if excluded else ()),
            *("--custom-compile-command", "bin/lock", *installer.arguments, *arguments),
        )
