"""The wire, and the clusters under test. Another driver joins the suite as a parameter of `running`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
import requests

from jobs.clusters.http.driver import HttpCluster
from jobs.clusters.registry import open_session
from lora_pipeline.devstack import node, ports, programs
from tests.contracts.under_test import DATASET, ClusterUnderTest
from tests.contracts.wire import Script, Wire, reply

Speaking = Callable[[Script], tuple[HttpCluster, Wire]]

KEY = "the-key-of-this-cluster"


@pytest.fixture(scope="session")
def impatient() -> Iterator[requests.Session]:
    """A session for calls that are to run out of time."""
    with open_session(connect_s=0.3, call_s=0.3) as session:
        yield session


@pytest.fixture(scope="session")
def patient() -> Iterator[requests.Session]:
    """A session for calls that are to be answered, on a busy machine too."""
    with open_session(connect_s=5, call_s=10) as session:
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
def speaking(wires: Callable[[Script], Wire], patient: requests.Session) -> Speaking:
    """`speaking(script)`: a driver, and the wire that it calls."""

    def start(script: Script) -> tuple[HttpCluster, Wire]:
        wire = wires(script)
        return HttpCluster(url=wire.url, key=KEY, session=patient), wire

    return start


@pytest.fixture
def speaking_impatiently(wires: Callable[[Script], Wire], impatient: requests.Session) -> Speaking:
    """The same with deadlines of a fraction of a second."""

    def start(script: Script) -> tuple[HttpCluster, Wire]:
        wire = wires(script)
        return HttpCluster(url=wire.url, key=KEY, session=impatient), wire

    return start


# -- A real cluster -----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def dataset_url() -> Iterator[str]:
    """Where clusters fetch the data set from."""
    wire = Wire(reply(200, DATASET))
    yield f"{wire.url}/chat.jsonl"
    wire.close()


@pytest.fixture(scope="session")
def reference_cluster(
    dataset_url: str,
    patient: requests.Session,
    impatient: requests.Session,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[int], ClusterUnderTest]]:
    """`reference_cluster(level)`: the gpu_node in a process of its own, one for the session."""
    with ExitStack() as started:

        @cache
        def start(level: int) -> ClusterUnderTest:
            port, folder = ports.free(), tmp_path_factory.mktemp(f"gpu-node-level-{level}")
            program = node.program(
                port=port, folder=folder, api_key=KEY, gpus=["H100-80GB:64"], level=level, speed=2000, faults=True
            )
            started.enter_context(programs.running(program, folder / "log"))
            url = node.url(port)
            cluster = HttpCluster(url=url, key=KEY, session=patient)
            return ClusterUnderTest(
                cluster=cluster,
                impatient=HttpCluster(url=url, key=KEY, session=impatient),
                stranger=HttpCluster(url=url, key="another-key", session=patient),
                capabilities=cluster.capabilities(),
                dataset_url=dataset_url,
                url=url,
                key=KEY,
            )

        yield start


@pytest.fixture(params=[1, 2], ids=["level 1", "level 2"])
def running(
    request: pytest.FixtureRequest, reference_cluster: Callable[[int], ClusterUnderTest]
) -> Iterator[ClusterUnderTest]:
    """A cluster of each level, without faults but the test's own."""
    cluster = reference_cluster(request.param)
    yield cluster
    cluster.lift_faults()


@pytest.fixture
def level_1(reference_cluster: Callable[[int], ClusterUnderTest]) -> Iterator[ClusterUnderTest]:
    """For what only level 1 suffers from."""
    yield (cluster := reference_cluster(1))
    cluster.lift_faults()


@pytest.fixture
def level_2(reference_cluster: Callable[[int], ClusterUnderTest]) -> Iterator[ClusterUnderTest]:
    """For what only level 2 offers."""
    yield (cluster := reference_cluster(2))
    cluster.lift_faults()
