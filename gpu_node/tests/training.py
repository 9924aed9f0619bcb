"""What the tests of runs that train share: halted trainers, and what a node says about them."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gpu_node.trained import child
from servers import PATIENCE_S, NodeProcess, Outside

Machines = Callable[..., NodeProcess]
Models = Callable[..., dict[str, Any]]


def let_go(tmp_path: Path) -> None:
    """Lets a halted trainer go on."""
    (tmp_path / "model" / "go").touch()


def reached(step: int) -> Callable[[dict[str, Any]], bool]:
    return lambda status: status["current_step"] >= step


def points(node: NodeProcess, external_id: str) -> list[tuple[int, int]]:
    listed = node.get(f"/training/metrics/{external_id}")["points"]
    assert [point["seq"] for point in listed] == list(range(1, len(listed) + 1))
    return [(point["restart"], point["step"]) for point in listed]


def gone(pid: int) -> None:
    """Waits until a process that is no child of ours is gone."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = child.identify(pid)
        if found is None or not child.lives(found):
            return
        time.sleep(0.01)
    raise AssertionError(f"{pid} is still there")


def trainer_pid(node: NodeProcess, external_id: str) -> int:
    note = node.state_dir / "runs" / external_id / "process"
    return int(note.read_text().split()[0])


def with_callback(outside: Outside) -> dict[str, Any]:
    return {"callback_url": outside.callback_url, "callback_token": "token-of-the-job"}
