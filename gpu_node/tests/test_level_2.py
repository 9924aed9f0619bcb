"""The contract of level 2, over a real socket."""

import hashlib
import itertools
from typing import Any

import httpx

from conftest import Nodes, Orders
from gpu_node.api.capabilities import FEATURES
from servers import NodeProcess


def test_it_announces_level_2_with_every_feature(fast_node: NodeProcess) -> None:
    told = fast_node.get("/training/capabilities")
    assert told["api_version"] == 2
    assert told["features"] == list(FEATURES)
    assert told["gpu_types"] == [{"type": "H100-80GB", "count": 1000}]
    assert told["simulated"] is True
    assert told["server"].startswith("gpu_node/")


def test_it_lets_nobody_in_without_the_key(fast_node: NodeProcess) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic a2V5"}):
        for path in ("/training/capabilities", "/faults", "/faults/journal", "/training/jobs?state=active"):
            answer = httpx.get(fast_node.url + path, headers=headers, trust_env=False)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.headers["content-type"] == "application/problem+json"


def test_a_new_submit_is_201_and_the_same_again_200_with_the_same_answer(
    fast_node: NodeProcess, order: Orders
) -> None:
    body = order()
    first, second = fast_node.submit(body), fast_node.submit(body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    fast_node.wait_for(first.json()["external_job_id"], "completed")
    assert fast_node.submit(body).json() == first.json()


def test_urls_tokens_and_labels_may_differ_when_a_key_is_used_again(
    fast_node: NodeProcess, order: Orders
) -> None:
    body = order()
    fast_node.start(body)
    again: dict[str, Any] = body | {
        "callback_token": "another",
        "labels": {"owner": "bob"},
        "dataset_url": "http://elsewhere/x",
    }
    again["dataset"] = body["dataset"] | {
        "url": "http://elsewhere/x",
        "url_expires_at": "2031-01-01T00:00:00Z",
    }
    assert fast_node.submit(again).status_code == 200


def test_a_key_with_another_payload_is_422(fast_node: NodeProcess, order: Orders) -> None:
    body = order()
    fast_node.start(body)
    changes: list[dict[str, Any]] = [
        {"base_model": "other-7B"},
        {"hyperparameters": {"learning_rate": 1e-4}},
        {"gpu_config": {"type": "H100-80GB", "count": 2}},
        {"limits": {"max_runtime_s": 60}},
        {"dataset": body["dataset"] | {"sha256": "0" * 64}},
        {"resume_from": {"external_job_id": "run-x"}},
    ]
    for change in changes:
        answer = fast_node.submit(body | change)
        assert answer.status_code == 422, change
        assert answer.json()["code"] == "idempotency_key_reused"
        assert answer.json()["retryable"] is False


def test_a_refused_order_names_every_wrong_field(fast_node: NodeProcess, order: Orders) -> None:
    wrong = order(base_model="", dataset={"url": "ftp://x"}, hyperparameters={"batch_size": 0})
    answer = fast_node.submit(wrong)
    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} == {
        "base_model",
        "dataset.url",
        "hyperparameters.batch_size",
    }
    assert set(answer.json()) >= {"title", "status", "detail", "code", "retryable"}


def test_gpus_that_the_machine_does_not_have_are_refused(fast_node: NodeProcess, order: Orders) -> None:
    unknown = fast_node.submit(order(gpu_config={"type": "A100-80GB", "count": 1}))
    too_many = fast_node.submit(order(gpu_config={"type": "H100-80GB", "count": 1001}))
    assert unknown.status_code == too_many.status_code == 400
    assert unknown.json()["errors"][0]["field"] == "gpu_config.type"
    assert "H100-80GB" in unknown.json()["detail"]
    assert too_many.json()["errors"][0]["field"] == "gpu_config.count"


def test_a_body_that_is_no_json_or_too_large_is_refused(fast_node: NodeProcess) -> None:
    for content in (b"{", b'{"job_id": NaN}', b"[]", b'"x"', b"", b"[" * 100_000):
        assert fast_node.client.post("/training/submit", content=content).status_code == 400
    assert fast_node.client.post("/training/submit", content=b" " * (2 << 20)).status_code == 413


def test_a_job_runs_through_to_its_files(fast_node: NodeProcess, order: Orders) -> None:
    external_id = fast_node.start(order())
    status = fast_node.wait_for(external_id, "completed")
    assert status["stage"] == "completed"
    assert status["progress"] == 100
    assert (status["current_epoch"], status["total_epochs"]) == (3, 3)
    assert (status["current_step"], status["total_steps"]) == (204, 204)
    assert status["simulated"] is True
    assert status["billing"]["final"] is True
    assert status["billing"]["gpu_count"] == 1
    assert status["billing"]["billable_seconds"] > 0
    assert [change["state"] for change in status["transitions"]] == ["queued", "running", "completed"]
    assert status["state_seq"] == 3
    assert status["released_at"] == status["ended_at"]
    assert [name for name, value in status["metrics"].items() if value is None] == ["gpu_memory"]

    listed = fast_node.get(f"/training/artifacts/{external_id}")
    assert listed["complete"] is True
    assert {file["path"] for file in listed["files"]} >= {"adapter_config.json", "adapter_model.safetensors"}
    for file in listed["files"]:
        answer = httpx.get(file["url"], trust_env=False)
        assert answer.status_code == 200
        assert len(answer.content) == file["size"]
        assert hashlib.sha256(answer.content).hexdigest() == file["sha256"]


def test_a_download_link_is_good_for_its_file_only(fast_node: NodeProcess, order: Orders) -> None:
    external_id = fast_node.start(order())
    fast_node.wait_for(external_id, "completed")
    url = fast_node.get(f"/training/artifacts/{external_id}")["files"][0]["url"]
    for changed in (
        url.replace("README.md", "adapter_config.json"),
        url.replace("expires=1", "expires=2"),
        url.replace("expires=1", "expires=" + "9" * 5000),
        url.split("?")[0],
        url[:-1] + ("0" if url[-1] != "0" else "1"),
    ):
        assert httpx.get(changed, trust_env=False).status_code == 403


def test_points_come_in_pages_without_gap_or_repetition(fast_node: NodeProcess, order: Orders) -> None:
    external_id = fast_node.start(order())
    fast_node.wait_for(external_id, "completed")
    points, after = [], 0
    while True:
        page = fast_node.get(f"/training/metrics/{external_id}?after={after}&limit=37")
        assert len(page["points"]) <= 37
        points += page["points"]
        assert page["next"] == points[-1]["seq"]
        after = page["next"]
        if not page["has_more"]:
            break
    assert [point["seq"] for point in points] == list(range(1, len(points) + 1))
    training = [point for point in points if "training_loss" in point["values"]]
    evaluation = [point for point in points if "validation_loss" in point["values"]]
    assert [point["step"] for point in training] == list(range(1, 205))
    assert (evaluation[0]["step"], evaluation[-1]["step"]) == (0, 204)
    assert len(training) + len(evaluation) == len(points)
    assert all(before["at"] <= later["at"] for before, later in itertools.pairwise(points))
    assert points[-1]["epoch"] == 3.0
    beyond = fast_node.get(f"/training/metrics/{external_id}?after={after}")
    assert (beyond["points"], beyond["next"], beyond["has_more"]) == ([], after, False)


def test_log_lines_come_after_a_cursor(fast_node: NodeProcess, order: Orders) -> None:
    external_id = fast_node.start(order())
    fast_node.wait_for(external_id, "completed")
    first = fast_node.get(f"/training/logs/{external_id}?after=0&limit=3")
    assert first["has_more"] is True
    assert "Simulated run" in first["lines"][0]["text"]
    rest = fast_node.get(f"/training/logs/{external_id}?after={first['next']}")
    assert [line["seq"] for line in rest["lines"]] == list(range(4, 4 + len(rest["lines"])))
    assert rest["lines"][-1]["text"] == "Run completed"


def test_a_batch_tells_states_new_points_and_what_is_missing(fast_node: NodeProcess, order: Orders) -> None:
    ids = [fast_node.start(order()) for _ in range(3)]
    for external_id in ids:
        fast_node.wait_for(external_id, "completed")
    asked = [{"id": external_id, "after": 10 * place} for place, external_id in enumerate(ids)]
    answer = fast_node.client.post(
        "/training/status", json={"jobs": [*asked, {"id": "run-unknown", "after": 0}]}
    )
    told = answer.json()
    assert told["missing"] == ["run-unknown"]
    assert [job["external_job_id"] for job in told["jobs"]] == ids
    for place, job in enumerate(told["jobs"]):
        assert job["status"] == "completed"
        assert job["points"][0]["seq"] == 10 * place + 1
        assert job["next"] == job["points"][-1]["seq"]


def test_a_batch_takes_200_jobs_and_not_one_more(fast_node: NodeProcess) -> None:
    jobs = [{"id": f"run-{n}", "after": 0} for n in range(201)]
    assert fast_node.client.post("/training/status", json={"jobs": jobs[:200]}).status_code == 200
    refused = fast_node.client.post("/training/status", json={"jobs": jobs})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "jobs"


def test_a_lookup_finds_by_job_id_and_filters_before_it_pages(fast_node: NodeProcess, order: Orders) -> None:
    body = order(job_id="looked-up")
    ids = [fast_node.start(body | {"attempt": attempt}) for attempt in (1, 2, 3)]
    fast_node.start(order())
    first = fast_node.get("/training/jobs?job_id=looked-up&limit=2")
    assert [job["external_job_id"] for job in first["jobs"]] == ids[:2]
    assert first["has_more"] is True
    rest = fast_node.get(f"/training/jobs?job_id=looked-up&limit=2&after={first['next']}")
    assert [job["external_job_id"] for job in rest["jobs"]] == ids[2:]
    assert rest["has_more"] is False
    entry = first["jobs"][1]
    assert entry["attempt"] == 2
    assert entry["labels"] == {"installation": "tests", "owner": "alice"}
    assert entry["dataset_sha256"] == body["dataset"]["sha256"]
    assert entry["gpu_config"] == body["gpu_config"]
    assert fast_node.get("/training/jobs?job_id=nobody")["jobs"] == []
    assert fast_node.client.get("/training/jobs").status_code == 400
    assert fast_node.client.get("/training/jobs?state=strange").status_code == 400


def test_the_active_jobs_are_the_ones_that_have_not_ended(slow_node: NodeProcess, long_order: Orders) -> None:
    running, cancelled = slow_node.start(long_order()), slow_node.start(long_order())
    slow_node.client.post(f"/training/cancel/{cancelled}", json={"grace_s": 0})
    slow_node.wait_for(cancelled, "cancelled")
    active = {job["external_job_id"] for job in slow_node.get("/training/jobs?state=active")["jobs"]}
    assert running in active
    assert cancelled not in active


def test_a_cancel_is_202_until_the_gpus_are_free_and_200_after(
    slow_node: NodeProcess, long_order: Orders
) -> None:
    external_id = slow_node.start(long_order())
    slow_node.wait(external_id, lambda status: status["current_step"] > 3)
    asked = slow_node.client.post(
        f"/training/cancel/{external_id}", json={"reason": "bob asked", "grace_s": 5}
    )
    assert asked.status_code == 202
    assert asked.json()["status"] == "cancelling"
    assert asked.json()["released_at"] is None
    assert slow_node.client.post(f"/training/cancel/{external_id}").status_code in {200, 202}
    status = slow_node.wait_for(external_id, "cancelled")
    assert status["released_at"] is not None
    assert status["billing"]["final"] is True
    assert status["transitions"][-1]["reason"] == "bob asked"
    again = slow_node.client.post(f"/training/cancel/{external_id}")
    assert (again.status_code, again.json()["status"]) == (200, "cancelled")
    assert slow_node.get(f"/training/artifacts/{external_id}") == {"files": [], "complete": True}


def test_a_cancel_can_keep_the_adapter(slow_node: NodeProcess, long_order: Orders) -> None:
    external_id = slow_node.start(long_order())
    slow_node.wait(external_id, lambda status: status["current_step"] > 3)
    slow_node.client.post(f"/training/cancel/{external_id}", json={"keep_adapter": True, "grace_s": 5})
    slow_node.wait_for(external_id, "cancelled")
    files = slow_node.get(f"/training/artifacts/{external_id}")["files"]
    assert "adapter_model.safetensors" in {file["path"] for file in files}


def test_a_cancel_of_an_ended_job_tells_its_true_state(fast_node: NodeProcess, order: Orders) -> None:
    external_id = fast_node.start(order())
    fast_node.wait_for(external_id, "completed")
    answer = fast_node.client.post(f"/training/cancel/{external_id}", json={})
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")


def test_an_unknown_job_is_404_everywhere(fast_node: NodeProcess) -> None:
    for method, path in (
        ("GET", "/training/status/run-x"),
        ("GET", "/training/metrics/run-x"),
        ("GET", "/training/logs/run-x"),
        ("GET", "/training/artifacts/run-x"),
        ("POST", "/training/cancel/run-x"),
    ):
        answer = fast_node.client.request(method, path)
        assert answer.status_code == 404
        assert answer.json()["code"] == "unknown_job"
    nowhere = fast_node.client.get("/training/nothing")
    assert nowhere.status_code == 404
    assert nowhere.headers["content-type"] == "application/problem+json"


def test_a_cursor_or_a_cancel_that_makes_no_sense_is_400(slow_node: NodeProcess, order: Orders) -> None:
    external_id = slow_node.start(order())
    for path in ("after=-1", "after=x", "limit=0", "limit=x"):
        assert slow_node.client.get(f"/training/metrics/{external_id}?{path}").status_code == 400
    bodies: list[Any] = [{"grace_s": -1}, {"grace_s": "soon"}, {"keep_adapter": "yes"}, []]
    for body in bodies:
        assert slow_node.client.post(f"/training/cancel/{external_id}", json=body).status_code == 400


def test_a_job_waits_for_its_gpus_and_shows_it(nodes: Nodes, long_order: Orders) -> None:
    node = nodes("--gpu", "RTX-4090:2", "--speed", "10")
    gpus = {"type": "RTX-4090", "count": 2}
    first, second = node.start(long_order(gpu_config=gpus)), node.start(long_order(gpu_config=gpus))
    waiting = node.status(second)
    assert (waiting["status"], waiting["stage"], waiting["started_at"]) == ("queued", "queued_on_gpu", None)
    assert waiting["billing"] == {"billable_seconds": 0.0, "gpu_count": 2, "final": False}
    node.client.post(f"/training/cancel/{first}", json={"grace_s": 0})
    node.wait_for(second, "running")


def test_a_job_resumes_from_a_checkpoint_of_an_earlier_one(
    slow_node: NodeProcess, long_order: Orders
) -> None:
    body = long_order()
    body["hyperparameters"]["save_steps"] = 12
    hang = {"kind": "hang", "at_step": 15}  # before it can save once more
    slow_node.fault(route="job", job_id=body["job_id"], effect={"outcome": hang})
    first = slow_node.start(body)
    slow_node.wait_for_step(first, 15)
    slow_node.client.post(f"/training/cancel/{first}", json={"grace_s": 0})
    slow_node.wait_for(first, "cancelled")
    second = slow_node.start(long_order(resume_from={"external_job_id": first}))
    slow_node.wait_for_step(second, 13)
    assert slow_node.get(f"/training/metrics/{second}")["points"][0]["step"] == 13
    refused = slow_node.submit(long_order(resume_from={"external_job_id": "run-gone"}))
    assert (refused.status_code, refused.json()["code"]) == (409, "checkpoint_gone")
