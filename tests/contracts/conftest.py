"""The wire, and the driver with short deadlines."""

from collections.abc import Callable, Iterator

import pytest
import requests

from jobs.clusters.http.driver import HttpCluster
from jobs.clusters.registry import open_session
from tests.contracts.wire import Script, Wire

KEY = "the-key-of-this-cluster"


@pytest.fixture(scope="session")
def impatient() -> Iterator[requests.Session]:
    """A session whose calls last a third of a second at most."""
    with open_session(connect_s=0.3, call_s=0.3) as session:
        yield session


@pytest.fixture
def wires() -> Iterator[Callable[[Script], Wire]]:
    """Starts wires that end with the test."""
    started: list[Wire] = []

    def start(script: Script) -> Wire:
        started.append(Wire(script))
        return started[-1]

    yield start
    for wire in started:
        wire.close()


@pytest.fixture
def speaking(
    wires: Callable[[Script], Wire], impatient: requests.Session
) -> Callable[[Script], tuple[HttpCluster, Wire]]:
    """`speaking(script)`: a driver, and the wire that it calls."""

    def start(script: Script) -> tuple[HttpCluster, Wire]:
        wire = wires(script)
        return HttpCluster(url=wire.url, key=KEY, session=impatient), wire

    return start
