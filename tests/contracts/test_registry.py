"""Which driver speaks to which cluster, and what a wrong setting leads to."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
from django.core.checks import run_checks
from pytest_django.fixtures import Settings

from jobs.clusters import registry
from jobs.clusters.base import NotSent
from jobs.clusters.http.driver import HttpCluster
from tests.contracts.wire import Script, Wire, reply

USABLE = {"DRIVER": "http", "URL": "https://cluster.example/v1", "KEY": "key"}


class OtherCluster(HttpCluster):
    """A driver of one's own, named by its dotted path."""


def problems(*, deploy: bool = False) -> set[str | None]:
    found = run_checks(include_deployment_checks=deploy)
    return {message.id for message in found if (message.id or "").startswith("jobs.")}


def test_clusters_are_opened_by_name_and_share_connections(settings: Settings, wires: Callable[[Script], Wire]) -> None:
    wire = wires(reply(404, ""))
    settings.GPU_CLUSTERS = {
        "default": {"URL": wire.url},
        "other": {"URL": wire.url, "DRIVER": f"{__name__}.OtherCluster"},
    }
    assert registry.cluster_names() == ["default", "other"]
    assert type(registry.open_cluster("default")) is HttpCluster
    assert type(registry.open_cluster("other")) is OtherCluster
    for name in registry.cluster_names():
        registry.open_cluster(name).capabilities()
    assert wire.connections == 1


@pytest.mark.parametrize(("name", "words"), [("elsewhere", "elsewhere"), ("default", "GPU_CLUSTER_API_URL")])
def test_a_cluster_that_is_not_configured_says_what_to_set(settings: Settings, name: str, words: str) -> None:
    settings.GPU_CLUSTERS = {"default": {"DRIVER": "http", "URL": "", "KEY": ""}}
    with pytest.raises(NotSent, match=words):
        registry.open_cluster(name)


def test_an_open_session_keeps_deadlines_for_any_address() -> None:
    with registry.open_session() as session:
        for url in ("http://a", "https://a"):
            adapter: Any = session.get_adapter(url)
            assert (adapter.connect_s, adapter.call_s) == (5, 20)
        assert isinstance(session, requests.Session)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        ({"URL": ""}, None),
        ({"DRIVER": "htp"}, "jobs.E001"),
        ({"DRIVER": "no.such.Driver"}, "jobs.E001"),
        ({"URL": "cluster.example"}, "jobs.E002"),
        ({"URL": "https://user:password@cluster.example"}, "jobs.E002"),
        ({"URL": "https://cluster.example?key=1"}, "jobs.E002"),
        ({"URL": "http://cluster:port"}, "jobs.E002"),
        ({"KEY": "two words"}, "jobs.E003"),
        ({"KEY": "line\nbreak"}, "jobs.E003"),
        ({"KEY": "ключ"}, "jobs.E003"),
    ],
)
def test_a_wrong_setting_is_reported_at_start(settings: Settings, change: dict[str, str], code: str | None) -> None:
    settings.GPU_CLUSTERS = {"default": USABLE | change}
    assert problems() == ({code} if code else set())


def test_the_report_names_the_variable_and_not_the_key(settings: Settings) -> None:
    settings.GPU_CLUSTERS = {"default": USABLE | {"KEY": "my secret"}}
    (message,) = [each for each in run_checks() if each.id == "jobs.E003"]
    assert "GPU_CLUSTER_API_KEY" in str(message)
    assert "my secret" not in str(message)


def test_before_a_deployment_a_missing_cluster_or_key_is_a_warning(settings: Settings) -> None:
    settings.GPU_CLUSTERS = {"default": USABLE | {"URL": ""}}
    assert problems(deploy=True) == {"jobs.W001"}
    settings.GPU_CLUSTERS = {"default": USABLE | {"KEY": ""}}
    assert problems(deploy=True) == {"jobs.W002"}
    settings.GPU_CLUSTERS = {"default": USABLE}
    assert problems(deploy=True) == set()
