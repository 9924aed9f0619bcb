"""One environment for all processes; what is set outside takes the place of the embedded part."""

from pathlib import Path

import environ
import pytest

from lora_pipeline.devstack import addresses, stack
from lora_pipeline.devstack.places import Places
from lora_pipeline.devstack.stack import Options, Stack

OPTIONS = Options(level=2, speed=1, poll_seconds=5)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    kept = Places(tmp_path / "with blanks + signs")
    kept.prepare()
    return kept


def compose(places: Places, options: Options = OPTIONS, **outside: str) -> Stack:
    return stack.compose(places, options, addresses.choose(places.ports, web=None), outside)


def servers(composed: Stack) -> list[str]:
    return [program.name for program in composed.servers]


def test_by_itself_it_brings_every_server(places: Places) -> None:
    assert servers(compose(places)) == ["broker", "storage", "gpu-node"]


def test_a_broker_of_ones_own_replaces_the_embedded_one(places: Places) -> None:
    composed = compose(places, REDIS_URL="redis://redis.example:6379/3")
    assert servers(composed) == ["storage", "gpu-node"]
    assert composed.settings["REDIS_URL"] == "redis://redis.example:6379/3"


def test_an_s3_server_of_ones_own_replaces_the_embedded_one(places: Places) -> None:
    composed = compose(
        places,
        S3_ENDPOINT_URL="https://s3.example",
        S3_ACCESS_KEY_ID="key",
        S3_SECRET_ACCESS_KEY="secret",
        S3_BUCKET_LORA_MODELS="our-models",
    )
    assert servers(composed) == ["broker", "gpu-node"]
    assert composed.s3.endpoint_url == composed.settings["S3_PUBLIC_ENDPOINT_URL"] == "https://s3.example"
    assert composed.buckets == {
        "lora-datasets": "lora-datasets", "training-files": "training-files", "lora-models": "our-models",
    }  # fmt: skip


def test_a_cluster_of_ones_own_replaces_the_node_and_gets_no_address_that_it_cannot_reach(places: Places) -> None:
    composed = compose(places, GPU_CLUSTER_API_URL="https://gpu.example", GPU_CLUSTER_API_KEY="key")
    assert servers(composed) == ["broker", "storage"]
    assert (composed.cluster_url, composed.cluster_key) == ("https://gpu.example", "key")
    assert composed.settings["PUBLIC_BASE_URL"] == ""


def test_the_embedded_node_can_call_back(places: Places) -> None:
    composed = compose(places)
    assert composed.settings["PUBLIC_BASE_URL"] == composed.base_url


def test_a_database_of_ones_own_replaces_sqlite(places: Places) -> None:
    assert compose(places, DATABASE_URL="postgres://db.example/lora").settings["DATABASE_URL"].startswith("postgres:")


def test_an_empty_variable_counts_as_unset(places: Places) -> None:
    composed = compose(places, REDIS_URL="", DATABASE_URL="", S3_ENDPOINT_URL="", GPU_CLUSTER_API_URL="")
    assert servers(composed) == ["broker", "storage", "gpu-node"]


def test_the_database_file_is_found_whatever_the_folder_is_called(places: Places) -> None:
    url = compose(places).settings["DATABASE_URL"]
    assert environ.Env.db_url_config(url)["NAME"] == str(places.data / "db.sqlite3")


def test_all_own_processes_share_one_environment_and_trust_no_leftovers(places: Places) -> None:
    composed = compose(places, DEBUG="true", PYTHONPATH="/elsewhere", WEB_CONCURRENCY="9", LANG="C.UTF-8")
    for program in (composed.preparation, *composed.control_plane, composed.beat):
        assert program.environment["DEBUG"] == "false"
        assert program.environment["LANG"] == "C.UTF-8"
        assert not {"PYTHONPATH", "WEB_CONCURRENCY"} & set(program.environment)


def test_a_companys_proxy_is_not_asked_for_the_loopback(places: Places) -> None:
    settings = compose(places, HTTP_PROXY="http://proxy.example", NO_PROXY="intern.example").settings
    assert settings["NO_PROXY"] == settings["no_proxy"] == "intern.example,127.0.0.1,localhost"


def test_web_and_beat_stop_before_workers_and_those_before_servers(places: Places) -> None:
    composed = compose(places)
    ranks = {p.name: p.stop_rank for p in (*composed.servers, *composed.control_plane, composed.beat)}
    assert ranks == {
        "web": 0, "beat": 0, "worker": 1, "worker-data": 1, "broker": 2, "storage": 2, "gpu-node": 2,
    }  # fmt: skip


def test_without_a_pace_the_node_trains_on_the_processor(places: Places) -> None:
    composed = compose(places, Options(level=2, speed=None, poll_seconds=5))
    command = " ".join(composed.servers[-1].command)
    assert composed.trains_here
    assert "--gpu CPU:1" in command
    assert "--simulated" not in command
    assert "--trains-here" in composed.preparation.command


def test_a_cluster_of_ones_own_is_not_taken_for_this_machine(places: Places) -> None:
    outside = {"GPU_CLUSTER_API_URL": "https://gpu.example", "GPU_CLUSTER_API_KEY": "key"}
    composed = compose(places, Options(level=2, speed=None, poll_seconds=5), **outside)
    assert not composed.trains_here
    assert "--trains-here" not in composed.preparation.command


def test_the_level_and_pace_reach_the_node(places: Places) -> None:
    node = compose(places, Options(level=1, speed=7, poll_seconds=5)).servers[-1]
    command = " ".join(node.command)
    assert " --level 1 " in command
    assert " --simulated --speed 7" in command
