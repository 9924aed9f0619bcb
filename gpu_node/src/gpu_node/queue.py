"""Who gets which GPUs when: one first-come-first-served line per GPU type. Pure.

A job at the head that needs more GPUs than are free holds the line: a big job is never starved by small ones.
"""

from collections import deque
from collections.abc import Mapping


class GpuQueue:
    """Counts the free GPUs of each type and hands them out in order of arrival."""

    def __init__(self, gpus: Mapping[str, int]) -> None:
        self.total = dict(gpus)
        self._free = dict(gpus)
        self._lines: dict[str, deque[tuple[str, int]]] = {gpu_type: deque() for gpu_type in gpus}
        self._left: set[str] = set()

    def free(self, gpu_type: str) -> int:
        return self._free[gpu_type]

    def take(self, gpu_type: str, count: int) -> None:
        """Marks GPUs as held by a job that already runs (after a restart of the node)."""
        self._free[gpu_type] = self._free.get(gpu_type, 0) - count

    def join(self, external_id: str, gpu_type: str, count: int) -> None:
        """Puts a job at the end of its line."""
        self._lines.setdefault(gpu_type, deque()).append((external_id, count))

    def leave(self, external_id: str) -> None:
        """Forgets a waiting job."""
        self._left.add(external_id)

    def release(self, gpu_type: str, count: int) -> None:
        self._free[gpu_type] = self._free.get(gpu_type, 0) + count

    def next(self, gpu_type: str) -> str | None:
        """Takes the GPUs for the job at the head of the line, if there are enough, and names that job."""
        line = self._lines.get(gpu_type, deque())
        while line and line[0][0] in self._left:
            self._left.discard(line.popleft()[0])
        if not line or line[0][1] > self._free.get(gpu_type, 0):
            return None
        external_id, count = line.popleft()
        self._free[gpu_type] -= count
        return external_id
