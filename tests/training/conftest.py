"""One ground for all tests here: starting everything takes longer than a run."""

from collections.abc import Iterator

import pytest

from tests.training.ground import PYTHON, Ground, prepared


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/training" in str(item.path):
            item.add_marker(pytest.mark.training)
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Web server, workers, Beat, broker, S3 server and a node that trains."""
    if not PYTHON.exists():
        pytest.skip(
            "the trainer's environment is made by bin/test: run `python trainer/install.py --env .local/trainer`"
        )
    with prepared(tmp_path_factory.mktemp("ground")) as ready:
        yield ready


@pytest.fixture(scope="session")
def trained(ground: Ground) -> str:
    """The id of a job that was trained without any trouble."""
    job_id = ground.start()
    ground.settled(job_id)
    return job_id
