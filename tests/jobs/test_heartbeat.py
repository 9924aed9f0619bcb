"""The outbound heartbeat: an outside monitor hears of each cycle, and never stops one."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from jobs import heartbeat, tasks
from tests.contracts.wire import Wire, hang_up, reply


@pytest.fixture
def monitor(settings: Any) -> Iterator[Wire]:
    listening = Wire(reply(200))
    settings.HEARTBEAT_URL = f"{listening.url}/ping/the-secret-name"
    yield listening
    listening.close()


def test_the_monitor_is_called(monitor: Wire) -> None:
    tasks.send_heartbeat()
    assert [(request.method, request.path) for request in monitor.requests] == [("GET", "/ping/the-secret-name")]


def test_nobody_is_called_where_no_monitor_is_set(settings: Any) -> None:
    settings.HEARTBEAT_URL = None
    heartbeat.send()


@pytest.mark.parametrize("answer", [reply(500), hang_up], ids=["500", "hangs up"])
def test_a_monitor_in_trouble_is_a_line_in_the_log_that_keeps_its_address(
    monitor: Wire, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monitor.script = answer
    with caplog.at_level(logging.WARNING):
        heartbeat.send()
    assert "HEARTBEAT_URL" in caplog.text
    assert "the-secret-name" not in caplog.text
