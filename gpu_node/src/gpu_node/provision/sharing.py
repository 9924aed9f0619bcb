"""One work for all who want it: the first caller starts it, others join, the last one to leave ends it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from gpu_node.provisioning import Progress

Result = TypeVar("Result")
Tell = Callable[[Progress], None]
Work = Callable[[Tell], Awaitable[Result]]


class _Flight(Generic[Result]):
    """A work under way, and who listens to its news."""

    def __init__(self, work: Work[Result]) -> None:
        self.listeners: list[Tell] = []
        self.last: Progress | None = None
        self.is_abandoned = False
        self.task = asyncio.ensure_future(work(self._spread))

    def _spread(self, news: Progress) -> None:
        self.last = news
        for tell in list(self.listeners):
            tell(news)


class Shared(Generic[Result]):
    """Works by key; at no time is the same one under way twice, not even while an abandoned one is ending."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[Result]] = {}

    async def join(self, key: str, work: Work[Result], tell: Tell) -> Result:
        """The result of the work called `key`: the one under way, else `work`, started now; or its error."""
        while (found := self._flights.get(key)) is not None and found.is_abandoned:
            await asyncio.wait({found.task})
        flight = found or self._start(key, work)
        flight.listeners.append(tell)
        if flight.last is not None:
            tell(flight.last)
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.listeners.remove(tell)
            if not flight.listeners:
                flight.is_abandoned = True
                flight.task.cancel()

    async def close(self) -> None:
        """Ends what is under way; its callers see a cancellation."""
        tasks = {flight.task for flight in self._flights.values()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _start(self, key: str, work: Work[Result]) -> _Flight[Result]:
        flight = self._flights[key] = _Flight(work)
        flight.task.add_done_callback(lambda _: self._flights.pop(key, None))
        return flight
