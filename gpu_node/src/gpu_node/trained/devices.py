"""Which run holds which GPUs of this machine."""

from collections.abc import Mapping, Sequence

from gpu_node.executor import CannotBegin


class Devices:
    """GPU UUIDs by the type they are offered as; a type without any (CPU) needs none."""

    def __init__(self, uuids: Mapping[str, Sequence[str]]) -> None:
        self._uuids = {gpu_type: tuple(listed) for gpu_type, listed in uuids.items() if listed}
        self._held: set[str] = set()

    def has(self, gpu_type: str) -> bool:
        """Whether the type stands for GPUs."""
        return gpu_type in self._uuids

    def take(self, gpu_type: str, count: int) -> tuple[str, ...]:
        """GPUs for a run, free until now; none for a type that needs none. Raises CannotBegin."""
        if not self.has(gpu_type):
            return ()
        free = [uuid for uuid in self._uuids[gpu_type] if uuid not in self._held][:count]
        if len(free) < count:
            message = f"Only {len(free)} of {count} GPUs of type {gpu_type} are free; another run holds them."
            raise CannotBegin("gpu_unavailable", message)
        self._held.update(free)
        return tuple(free)

    def hold(self, uuids: Sequence[str]) -> None:
        """Marks GPUs that a run held before the node's restart."""
        self._held.update(uuids)

    def release(self, uuids: Sequence[str]) -> None:
        self._held.difference_update(uuids)
