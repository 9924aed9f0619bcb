"""The stack's ports: free ones, kept over restarts while nobody else has taken them.

They are kept because addresses outlive processes: a browser's tab, signed URLs of a running job.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lora_pipeline.devstack import ports, storage
from lora_pipeline.devstack.places import read_json, write_private

NODES = ("gpu-node", "gpu-node-level-1", "gpu-node-level-2")


class PortTaken(Exception):
    """The port that the user wants is in use."""


@dataclass(frozen=True)
class Addresses:
    """A port for each server on the loopback address; `storage` has one for each of weed's servers.

    `nodes` are the GPU nodes by name. A node that trains is another cluster than one that simulates, one at level 1
    another than one at level 2: what was learned of the one is not true of the other.
    """

    web: int
    broker: int
    nodes: dict[str, int]
    storage: dict[str, int]


def choose(memory: Path, *, web: int | None) -> Addresses:
    """Ports for this start, noted down in `memory` for the next one; raises PortTaken when `web` is in use."""
    if web is not None and not ports.is_free(web):
        raise PortTaken(f"Port {web} is in use: choose another with --port, or leave --port out.")
    known = read_json(memory)
    noted_nodes = known["nodes"] if isinstance(known.get("nodes"), dict) else {}
    taken = {web} if web is not None else set()
    chosen = Addresses(
        web=web or _kept(known, "web", taken),
        broker=_kept(known, "broker", taken),
        nodes={name: _kept(noted_nodes, name, taken) for name in NODES},
        storage=_kept_storage(known, taken),
    )
    write_private(memory, json.dumps(asdict(chosen), indent=1))
    return chosen


def forget(memory: Path) -> None:
    """The ports noted in `memory` will not be used again: remove what servers on them may have left in /tmp."""
    noted = read_json(memory).get("storage")
    if isinstance(noted, dict):
        storage.remove_sockets(noted.values())
    memory.unlink(missing_ok=True)


def _kept(known: dict[str, Any], name: str, taken: set[int]) -> int:
    """The port noted for `name` while it is free, else another one; counted among `taken` from now on."""
    port = known.get(name)
    if not isinstance(port, int) or port in taken or not ports.is_free(port):
        port = ports.free(taken=taken)
    taken.add(port)
    return port


def _kept_storage(known: dict[str, Any], taken: set[int]) -> dict[str, int]:
    noted = known.get("storage")
    if isinstance(noted, dict) and not taken & set(noted.values()) and storage.are_free(noted):
        return noted
    return storage.free_ports(taken)
