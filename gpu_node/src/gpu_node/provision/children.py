"""Child processes that fetch and install. They stay in our process group: what ends the node's ends them.

Those that `report` write JSON lines: {"progress", "text"} on the way, one with "done" at the end. Who
fails says {"error": code, "text": what to do}, or nothing that can be read.
"""

import asyncio
import contextlib
import json
import os
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from gpu_node.provisioning import ProvisionFailed

SILENCE_S = 3600.0
"""Who says nothing for so long is taken for hung; large packages arrive in silence."""
GRACE_S = 3.0
_LINE_BYTES = 1024 * 1024
_LAST_LINES = 15


@asynccontextmanager
async def running(
    command: Sequence[str], *, changes: Mapping[str, str] | None = None, held: Sequence[int] = ()
) -> AsyncIterator[Process]:
    """A child that ends with the block; it keeps the file descriptors `held` open, and so their locks."""
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        env={**_environment(), **(changes or {})},
        limit=_LINE_BYTES,
        pass_fds=tuple(held),
    )
    try:
        yield child
    finally:
        await _end(child)


async def report(
    command: Sequence[str],
    follow: Callable[[float | None, str], None],
    *,
    failure: str,
    changes: Mapping[str, str] | None = None,
    held: Sequence[int] = (),
) -> dict[str, Any]:
    """Runs `command` to its end and returns its last report; `follow` hears progress (0-100) and text.

    Raises ProvisionFailed with the code that the child gives, else `failure`, and its advice or last words.
    """
    last: dict[str, Any] = {}
    words: list[str] = []
    async with running(command, changes=changes, held=held) as child:
        try:
            async for line in _lines(child):
                if (said := _read(line)) is None:
                    words = [*words[1 - _LAST_LINES :], line]
                    continue
                last = said
                if isinstance(said.get("text"), str) and "error" not in said:
                    follow(_percent(said.get("progress")), said["text"])
            code = await child.wait()
        except TimeoutError:
            raise ProvisionFailed(
                failure, f"`{_shown(command)}` said nothing for an hour: try again."
            ) from None
    if code or not last.get("done"):
        advice = str(last.get("text") or "") if "error" in last else ""
        told = advice or "\n".join([f"`{_shown(command)}` ended with exit code {code}.", *words])
        raise ProvisionFailed(str(last.get("error") or failure), told)
    return last


def _shown(command: Sequence[str]) -> str:
    """A command for people, shortened."""
    return " ".join(command[:4]) + (" …" if len(command) > 4 else "")


def _environment() -> dict[str, str]:
    """Our own environment without our key and our modules; proxies, certificates and pip's settings stay."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GPU_NODE_") and name not in {"PYTHONPATH", "PYTHONHOME"}
    }


async def _lines(child: Process) -> AsyncIterator[str]:
    """Each line that it prints; raises TimeoutError."""
    if child.stdout is None:
        return
    while True:
        try:
            line = await asyncio.wait_for(child.stdout.readline(), SILENCE_S)
        except ValueError:  # a line beyond all bounds is nothing that we want to read
            continue
        if not line:
            return
        if text := line.decode(errors="replace").rstrip():
            yield text


async def _end(child: Process) -> None:
    """Leaves nothing of a child: asked first, so that it can end what it has started itself."""
    with contextlib.suppress(ProcessLookupError):
        if child.returncode is None:
            child.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.communicate(), GRACE_S)
        if child.returncode is None:
            child.kill()
    await child.wait()


def _read(line: str) -> dict[str, Any] | None:
    """The report in a line, or None for other words, such as a library's warning."""
    try:
        said = json.loads(line)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _percent(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100:
        return float(value)
    return None
