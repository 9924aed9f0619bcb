"""Settings for the worlds of this folder, and the summary of what they went through."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.promises.machines.cluster import KEY
from tests.promises.machines.wire import DRIVER, S3, URL

Statistics = dict[str, dict[str, int]]
_statistics: Statistics = {}


@pytest.fixture
def in_memory(settings: Any) -> None:
    """Cluster and store are in memory."""
    settings.GPU_CLUSTERS = {"default": {"DRIVER": DRIVER, "URL": URL, "KEY": KEY}}
    settings.PUBLIC_BASE_URL = None
    for name, value in S3.items():
        setattr(settings, name, value)
    settings.S3_PUBLIC_ENDPOINT_URL = S3["S3_ENDPOINT_URL"]
    settings.S3_BUCKETS = {name: name for name in ("lora-datasets", "training-files", "lora-models")}


@pytest.fixture
def statistics(request: pytest.FixtureRequest) -> Iterator[dict[str, int]]:
    """What this test counts is printed at the end of the run."""
    counted: dict[str, int] = {}
    yield counted
    _statistics[request.node.name] = counted


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _statistics:
        terminalreporter.section("promises")
    for name, counted in _statistics.items():
        terminalreporter.write_line(f"{name}: " + ", ".join(f"{count} {what}" for what, count in counted.items()))
