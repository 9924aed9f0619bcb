"""The one command, run for real: from nothing to two finished jobs, and on from there."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from lora_pipeline.devstack import node, remains, steps
from lora_pipeline.devstack.places import ROOT, Places
from lora_pipeline.devstack.prepare import USERS
from tests.servers import GpuNode, TestBuckets

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not node.PYTHON.exists(), reason="the node's environment is made by bin/demo and bin/test"),
]


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Places, subprocess.CompletedProcess[str]]:
    """A folder in which bin/demo --once ran from nothing, and how that ended. Tests go on from there."""
    places = Places(tmp_path_factory.mktemp("demo"))
    return places, run_once(places)


@pytest.fixture
def places(first_run: tuple[Places, subprocess.CompletedProcess[str]]) -> Places:
    return first_run[0]


def environment() -> dict[str, str]:
    """The test run's environment, with its database where that is a server: then the demo uses it as well."""
    database = os.environ.get("DATABASE_URL", "")
    return {**steps.clean_environment(), **({"DATABASE_URL": database} if database.startswith("postgres") else {})}


def command(places: Places, *options: str) -> list[str]:
    return [sys.executable, "-m", "lora_pipeline.devstack.demo", "--state", str(places.local), *options]


def run_once(places: Places, *options: str, **outside: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(places, "--once", "--simulated", "--speed", "10", *options),
        cwd=ROOT, env={**environment(), **outside}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@contextmanager
def started(places: Places) -> Iterator[subprocess.Popen[str]]:
    """A demo that creates nothing, once it is ready."""
    with subprocess.Popen(
        command(places, "--no-jobs", "--simulated"), cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        try:
            for line in demo.stdout:
                if "Ctrl-C stops everything" in line:
                    break
            yield demo
        finally:
            demo.kill()


def facts(places: Places) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(places.facts.read_text())
    return read


def jobs_of(places: Places, user: int) -> list[dict[str, Any]]:
    known = facts(places)
    headers = {"Authorization": f"Bearer {known['users'][user]['token']}"}
    answer = requests.get(f"{known['base_url']}/api/jobs", headers=headers, timeout=10)
    jobs: list[dict[str, Any]] = answer.json()["data"]["jobs"]
    return jobs


def test_from_nothing_to_two_finished_jobs(first_run: tuple[Places, subprocess.CompletedProcess[str]]) -> None:
    _, ended = first_run
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Both jobs are completed, their adapters are in lora-models." in ended.stdout
    assert ended.stdout.splitlines()[-1].startswith("Stopped.")


def test_no_process_is_left(places: Places) -> None:
    assert list(places.run.iterdir()) == []


def test_scripts_find_what_they_need(places: Places) -> None:
    known = facts(places)
    assert [user["username"] for user in known["users"]] == list(USERS)
    assert all(set(user) == {"username", "password", "token"} for user in known["users"])
    assert set(known["s3"]) == {"endpoint_url", "access_key_id", "secret_access_key", "buckets"}
    assert set(known["cluster"]) == {"url", "api_key"}
    assert places.facts.stat().st_mode & 0o777 == places.environment.stat().st_mode & 0o777 == 0o600


def test_a_secret_is_in_no_log(places: Places) -> None:
    known = facts(places)
    secrets = [user["token"] for user in known["users"]] + [user["password"] for user in known["users"]]
    secrets += [known["s3"]["secret_access_key"], known["cluster"]["api_key"], "X-Amz-Signature"]
    logs = {log.name: log.read_text(errors="replace") for log in places.logs.iterdir()}
    assert not [(name, secret) for name, text in logs.items() for secret in secrets if secret in text]


def test_a_restart_goes_on_with_the_same_users_data_and_jobs(places: Places) -> None:
    before = facts(places)
    with started(places) as demo:
        assert facts(places) == before
        jobs = jobs_of(places, user=0)
        assert {job["name"] for job in jobs} == {"HTTP desk adapter", "Shell desk adapter"}
        assert len({job["dataset"]["id"] for job in jobs}) == 2
        assert {job["dataset"]["storage_bucket"] for job in jobs} == {"lora-datasets", "training-files"}
        assert jobs_of(places, user=1) == []  # bob sees nothing of alice's
        demo.send_signal(signal.SIGINT)
        assert demo.wait() == 0
    assert list(places.run.iterdir()) == []


def test_a_level_1_cluster_finishes_its_jobs_too(places: Places) -> None:
    ended = run_once(places, "--level", "1")
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_second_demo_in_the_same_folder_is_refused(places: Places) -> None:
    with places.only_stack():
        refused = run_once(places)
    assert refused.returncode == 1
    assert f"already runs in this checkout (process {os.getpid()})" in refused.stdout


def test_what_was_left_by_a_kill_is_stopped_by_the_next_start(places: Places) -> None:
    left = subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
    places.run.mkdir(exist_ok=True)
    remains.record(places.run, "worker", left.pid)
    with started(places) as demo:
        assert left.wait() == -signal.SIGTERM
        demo.send_signal(signal.SIGTERM)
        assert demo.wait() == 0


def test_servers_of_ones_own_take_the_place_of_the_embedded_ones(
    tmp_path: Path, broker_url: str, s3_server: TestBuckets, gpu_node: Callable[..., GpuNode]
) -> None:
    own = Places(tmp_path / "own")
    cluster = gpu_node(speed=10, gpus=("H100-80GB:1", "A100-80GB:2"))
    ended = run_once(
        own,
        DATABASE_URL=f"sqlite:///{tmp_path / 'own.sqlite3'}",  # fresh as the buckets are: rows and files go together
        REDIS_URL=broker_url,
        S3_ENDPOINT_URL=s3_server.server.endpoint_url or "",
        S3_ACCESS_KEY_ID=s3_server.server.access_key_id or "",
        S3_SECRET_ACCESS_KEY=s3_server.server.secret_access_key or "",
        S3_BUCKET_LORA_DATASETS=s3_server.buckets["lora-datasets"],
        S3_BUCKET_TRAINING_FILES=s3_server.buckets["training-files"],
        S3_BUCKET_LORA_MODELS=s3_server.buckets["lora-models"],
        GPU_CLUSTER_API_URL=cluster.url,
        GPU_CLUSTER_API_KEY=cluster.api_key,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert {log.stem for log in own.logs.glob("*.log")} == {"prepare", "web", "worker", "worker-data", "beat"}
