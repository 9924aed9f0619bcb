"""Who looks at the rows, in this thread, right now.

Workers, Beat and commands look as EVERYBODY. The web server's process is closed: it looks as NOBODY, but where a
request has been authenticated, as its user. Queries filter by owner all the same; on PostgreSQL this is what holds
where one forgets to.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

NOBODY = ""
EVERYBODY = "all"

_viewer: ContextVar[str | None] = ContextVar("viewer", default=None)
_of_process = EVERYBODY


def now() -> str:
    """NOBODY, EVERYBODY, or a user's id."""
    viewer = _viewer.get()
    return _of_process if viewer is None else viewer


def close_process() -> None:
    """From now on this process looks as NOBODY where nothing else is said. The web server begins with it."""
    global _of_process
    _of_process = NOBODY


@contextmanager
def seeing(viewer: str) -> Iterator[None]:
    """Look as `viewer` inside of the block, whatever is said in it; afterwards as before."""
    before = _viewer.set(viewer)
    try:
        yield
    finally:
        _viewer.reset(before)


def become(viewer: int | str) -> None:
    """Look as that user (or EVERYBODY) until the surrounding `seeing` ends."""
    _viewer.set(str(viewer))
