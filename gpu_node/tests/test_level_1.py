"""What existing clusters speak: three URLs, no safety net."""

import hashlib

import httpx

from conftest import Nodes, Orders


def test_the_urls_of_level_2_do_not_exist(nodes: Nodes) -> None:
    node = nodes("--level", "1", "--gpu", "CPU:4")
    for method, path in (
        ("GET", "/training/capabilities"),
        ("GET", "/training/jobs?state=active"),
        ("POST", "/training/status"),
        ("GET", "/training/metrics/run-x"),
        ("GET", "/training/logs/run-x"),
        ("GET", "/training/artifacts/run-x"),
    ):
        assert node.client.request(method, path).status_code == 404


def test_the_same_job_twice_is_two_paid_jobs(nodes: Nodes, order: Orders) -> None:
    node = nodes("--level", "1", "--gpu", "CPU:4")
    body = order(gpu_config={"type": "CPU", "count": 1})
    first, second = node.submit(body), node.submit(body)
    assert first.status_code == second.status_code == 201
    assert first.json()["external_job_id"] != second.json()["external_job_id"]
    assert len(node.get("/faults/journal")["paid"]) == 2


def test_a_job_completes_with_download_urls(nodes: Nodes, order: Orders) -> None:
    node = nodes("--level", "1", "--gpu", "H100-80GB:8", "--speed", "2000")
    external_id = node.start(order(dataset=None, attempt=None, limits=None, labels=None))
    status = node.wait_for(external_id, "completed")
    assert set(status) == {
        "external_job_id",
        "job_id",
        "status",
        "stage",
        "progress",
        "current_epoch",
        "current_step",
        "metrics",
        "error_message",
        "simulated",
        "model_files",
    }
    assert status["progress"] == 100
    content = httpx.get(status["model_files"]["adapter_model.safetensors"], trust_env=False).content
    assert hashlib.sha256(content).hexdigest()
    assert content[8:10] == b'{"'


def test_a_cancelling_job_says_running_until_it_is_cancelled(nodes: Nodes, long_order: Orders) -> None:
    node = nodes("--level", "1", "--gpu", "H100-80GB:8", "--speed", "5")
    external_id = node.start(long_order())
    node.wait(external_id, lambda status: status["current_step"] > 0)
    answer = node.client.post(f"/training/cancel/{external_id}")
    assert (answer.status_code, answer.json()["status"]) == (200, "running")
    node.wait_for(external_id, "cancelled")
