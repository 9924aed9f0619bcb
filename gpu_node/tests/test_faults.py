"""Every row of the survival table can be provoked. Over a real socket, as the control plane meets it."""

import itertools
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from conftest import Nodes, Orders
from servers import NodeProcess

LEVELS = pytest.mark.parametrize("level", ["1", "2"])


def paid(node: NodeProcess, job_id: str) -> list[dict[str, Any]]:
    return [job for job in node.get("/faults/journal")["paid"] if job["job_id"] == job_id]


def test_there_is_no_fault_door_unless_it_is_asked_for(nodes: Nodes) -> None:
    node = nodes("--gpu", "CPU:1", faults=False)
    assert node.client.get("/faults").status_code == 404
    assert node.client.post("/faults", json={}).status_code == 404


@LEVELS
def test_it_accepts_and_then_resets(level: str, nodes: Nodes, order: Orders) -> None:
    node = nodes("--level", level, "--gpu", "H100-80GB:8")
    body = order()
    node.fault(route="submit", times=1, effect={"accept": True, "reset": True})
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)) as caught:
        node.submit(body)
    assert "reset" in str(caught.value).lower()
    assert len(paid(node, body["job_id"])) == 1
    again = node.submit(body)
    assert again.status_code == (200 if level == "2" else 201)
    assert len(paid(node, body["job_id"])) == (1 if level == "2" else 2)
    submits = node.get("/faults/journal")["submits"]
    assert [submit["code"] for submit in submits] == [201, again.status_code]
    assert submits[0]["key"] == f"{body['job_id']}:1"


def test_it_accepts_and_then_times_out(slow_node: NodeProcess, order: Orders) -> None:
    body = order()
    slow_node.fault(route="submit", job_id=body["job_id"], times=1, effect={"accept": True, "hang_s": 30})
    with pytest.raises(httpx.ReadTimeout):
        slow_node.client.post("/training/submit", json=body, timeout=1.0)
    slow_node.wait_until(lambda: len(paid(slow_node, body["job_id"])) == 1)


def test_it_resets_before_it_does_anything(slow_node: NodeProcess, order: Orders) -> None:
    body = order()
    slow_node.fault(route="submit", job_id=body["job_id"], times=1, effect={"reset": True})
    with pytest.raises(httpx.TransportError):
        slow_node.submit(body)
    assert paid(slow_node, body["job_id"]) == []
    assert slow_node.get("/faults/journal")["submits"][-1]["code"] is None
    assert slow_node.submit(body).status_code == 201


def test_a_hang_ends_with_a_dead_connection(slow_node: NodeProcess) -> None:
    slow_node.fault(route="capabilities", times=1, effect={"hang_s": 0.05})
    with pytest.raises(httpx.TransportError):
        slow_node.client.get("/training/capabilities")


def test_a_key_is_in_flight_while_its_order_is_being_admitted(slow_node: NodeProcess, order: Orders) -> None:
    body = order()
    slow_node.fault(route="submit", job_id=body["job_id"], times=1, effect={"admit_after_s": 30})
    with pytest.raises(httpx.ReadTimeout):
        slow_node.client.post(
            "/training/submit", json=body, headers={"Idempotency-Key": f"{body['job_id']}:1"}, timeout=1.0
        )
    slow_node.wait_until_struck()
    in_flight = slow_node.submit(body)
    assert (in_flight.status_code, in_flight.json()["code"]) == (409, "in_flight")
    assert int(in_flight.headers["retry-after"]) >= 1


@LEVELS
def test_it_says_the_job_exists(level: str, nodes: Nodes, order: Orders) -> None:
    node = nodes("--level", level, "--gpu", "H100-80GB:8")
    exists = {"title": "Conflict", "detail": "job already exists", "code": "exists"}
    node.fault(route="submit", effect={"answer": {"code": 409, "body": exists}}, times=1)
    node.fault(route="submit", effect={"answer": {"code": 400, "body": "already exists"}}, times=1, after=1)
    assert [node.submit(order()).status_code for _ in range(3)] == [409, 400, 201]


def test_it_asks_to_come_back_later_in_seconds_or_at_a_date(slow_node: NodeProcess) -> None:
    slow_node.fault(route="status", times=1, effect={"answer": {"code": 429, "retry_after_s": 7}})
    slow_node.fault(
        route="status", times=1, effect={"answer": {"code": 503, "retry_after_date_s": 60}}, after=1
    )
    in_seconds, at_date = (slow_node.client.get("/training/status/run-x") for _ in range(2))
    assert (in_seconds.status_code, in_seconds.headers["retry-after"]) == (429, "7")
    assert in_seconds.json()["retryable"] is True
    moment = parsedate_to_datetime(at_date.headers["retry-after"])
    assert at_date.status_code == 503
    assert moment > datetime.now(UTC) + timedelta(seconds=30)


def test_it_turns_the_key_away(slow_node: NodeProcess) -> None:
    slow_node.fault(route="any", times=1, effect={"answer": {"code": 401}})
    slow_node.fault(route="any", times=1, effect={"answer": {"code": 403}}, after=1)
    codes = [slow_node.client.get("/training/capabilities").status_code for _ in range(3)]
    assert codes == [401, 403, 200]


def test_it_forgets_a_job_for_a_while_or_for_ever(slow_node: NodeProcess, long_order: Orders) -> None:
    body = long_order()
    external_id = slow_node.start(body)
    for_ever = slow_node.fault(route="any", job_id=body["job_id"], effect={"forget": True})
    for path in ("status", "metrics", "logs", "artifacts"):
        assert slow_node.client.get(f"/training/{path}/{external_id}").status_code == 404
    other = slow_node.start(long_order())
    asked = {"jobs": [{"id": external_id, "after": 0}, {"id": other, "after": 0}]}
    batch = slow_node.client.post("/training/status", json=asked).json()
    assert batch["missing"] == [external_id]
    assert [job["external_job_id"] for job in batch["jobs"]] == [other]
    assert slow_node.get(f"/training/jobs?job_id={body['job_id']}")["jobs"] == []
    active = slow_node.get("/training/jobs?state=active")["jobs"]
    assert external_id not in {job["external_job_id"] for job in active}
    slow_node.client.delete(f"/faults/{for_ever}")
    slow_node.fault(route="status", job_id=external_id, times=2, effect={"forget": True})
    codes = [slow_node.client.get(f"/training/status/{external_id}").status_code for _ in range(3)]
    assert codes == [404, 404, 200]


@LEVELS
def test_an_envelope_says_completed_around_a_payload_that_says_failed(
    level: str, nodes: Nodes, order: Orders
) -> None:
    node = nodes("--level", level, "--gpu", "H100-80GB:8")
    external_id = node.start(order())
    wrap = {
        "status": "COMPLETED",
        "payload": "output",
        "patch": {"status": "failed", "error_message": "boom"},
    }
    node.fault(route="status", effect={"envelope": wrap})
    told = node.status(external_id)
    assert told["status"] == "COMPLETED"
    assert told["output"]["status"] == "failed"
    assert told["output"]["error_message"] == "boom"


@LEVELS
def test_states_go_back_and_words_are_unknown(level: str, nodes: Nodes, order: Orders) -> None:
    node = nodes("--level", level, "--gpu", "H100-80GB:8", "--speed", "2000")
    external_id = node.start(order())
    node.wait_for(external_id, "completed")
    node.fault(route="status", times=1, effect={"patch": {"status": "running", "progress": 10}})
    node.fault(
        route="status", times=1, after=1, effect={"patch": {"status": "paused", "stage": "meditating"}}
    )
    back, strange, true = (node.status(external_id) for _ in range(3))
    assert (back["status"], back["progress"]) == ("running", 10)
    assert (strange["status"], strange["stage"]) == ("paused", "meditating")
    assert true["status"] == "completed"


@LEVELS
def test_numbers_are_no_numbers_huge_or_missing(level: str, nodes: Nodes, order: Orders) -> None:
    node = nodes("--level", level, "--gpu", "H100-80GB:8", "--speed", "2000")
    external_id = node.start(order())
    node.wait_for(external_id, "completed")
    digits = "9" * 400
    metrics = {
        "training_loss": {"$raw": "NaN"},
        "validation_loss": {"$raw": "-Infinity"},
        "throughput": {"$raw": "1e400"},
        "gradient_norm": {"$raw": digits},
        "gpu_utilization": None,
    }
    node.fault(route="status", effect={"patch": {"metrics": metrics}})
    text = node.client.get(f"/training/status/{external_id}").text
    assert '"training_loss": NaN' in text
    assert '"validation_loss": -Infinity' in text
    assert '"throughput": 1e400' in text
    assert f'"gradient_norm": {digits}' in text
    assert '"gpu_utilization": null' in text


def test_points_arrive_twice_shuffled_and_with_values_missing(fast_node: NodeProcess, order: Orders) -> None:
    external_id = fast_node.start(order())
    fast_node.wait_for(external_id, "completed")
    path = f"/training/metrics/{external_id}?limit=6"
    true = [point["seq"] for point in fast_node.get(path)["points"]]
    fast_node.fault(route="metrics", times=1, effect={"points": {"order": "duplicate"}})
    assert [point["seq"] for point in fast_node.get(path)["points"]] == [seq for seq in true for _ in "ab"]
    fast_node.fault(route="metrics", times=1, effect={"points": {"order": "shuffle"}})
    shuffled = [point["seq"] for point in fast_node.get(path)["points"]]
    assert shuffled != true
    assert sorted(shuffled) == true
    spoiled = {"values": {"training_loss": {"$raw": "NaN"}}, "drop": ["throughput"]}
    fast_node.fault(route="metrics", times=1, effect={"points": spoiled})
    text = fast_node.client.get(path).text
    assert text.count('"training_loss": NaN') == 6
    assert "throughput" not in text


@pytest.mark.parametrize("bump", [True, False])
def test_steps_fall_with_and_without_a_higher_restart(
    bump: bool, fast_node: NodeProcess, order: Orders
) -> None:
    external_id = fast_node.start(order())
    fast_node.wait_for(external_id, "completed")
    fall = {"fall_steps": 4, "bump_restart": bump}
    fast_node.fault(route="batch", times=1, effect={"points": fall})
    asked = {"jobs": [{"id": external_id, "after": 0}]}
    points = fast_node.client.post("/training/status", json=asked).json()["jobs"][0]["points"]
    falls = [later for earlier, later in itertools.pairwise(points) if later["step"] < earlier["step"]]
    assert len(falls) == 1
    assert falls[0]["restart"] == (1 if bump else 0)


def test_the_clock_is_wrong(slow_node: NodeProcess, order: Orders) -> None:
    external_id = slow_node.start(order())
    true = slow_node.status(external_id)
    slow_node.fault(route="status", effect={"clock_offset_s": -7200})
    wrong = slow_node.status(external_id)
    for name in ("created_at", "started_at"):
        gap = datetime.fromisoformat(true[name]) - datetime.fromisoformat(wrong[name])
        assert gap == timedelta(hours=2)
    assert wrong["transitions"][0]["at"] < true["transitions"][0]["at"]


def test_a_cancel_is_refused_or_cannot_be_reached(slow_node: NodeProcess, long_order: Orders) -> None:
    external_id = slow_node.start(long_order())
    path = f"/training/cancel/{external_id}"
    slow_node.fault(route="cancel", times=1, effect={"answer": {"code": 409, "body": {"detail": "no"}}})
    slow_node.fault(route="cancel", times=1, after=1, effect={"reset": True})
    assert slow_node.client.post(path).status_code == 409
    with pytest.raises(httpx.TransportError):
        slow_node.client.post(path)
    assert slow_node.status(external_id)["status"] == "running"
    cancels = [
        each for each in slow_node.get("/faults/journal")["cancels"] if each["external_job_id"] == external_id
    ]
    assert [each["code"] for each in cancels] == [None, None]


def test_an_answer_of_ten_megabytes(slow_node: NodeProcess, order: Orders) -> None:
    external_id = slow_node.start(order())
    slow_node.fault(route="status", times=1, effect={"pad_bytes": 10_000_000})
    answer = slow_node.client.get(f"/training/status/{external_id}")
    assert len(answer.content) > 10_000_000
    assert answer.json()["external_job_id"] == external_id


def test_an_answer_that_drips(slow_node: NodeProcess) -> None:
    slow_node.fault(route="capabilities", times=1, effect={"drip": {"bytes": 1, "every_s": 30}})
    with slow_node.called("GET", "/training/capabilities") as connection, connection.makefile("rb") as answer:
        head = iter(answer.readline, b"\r\n")
        (length,) = [line for line in head if line.lower().startswith(b"content-length: ")]
        assert int(length.split()[1]) > 1
        assert answer.read(1) == b"{"
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            answer.read(1)


def test_a_redirect_elsewhere(slow_node: NodeProcess) -> None:
    slow_node.fault(route="status", times=1, effect={"redirect": "http://127.0.0.1:9/steal"})
    answer = slow_node.client.get("/training/status/run-x")
    assert (answer.status_code, answer.headers["location"]) == (307, "http://127.0.0.1:9/steal")


def test_garbage_instead_of_json(slow_node: NodeProcess, order: Orders) -> None:
    external_id = slow_node.start(order())
    path = f"/training/status/{external_id}"
    page = {"body": "<html>oops", "headers": {"Content-Type": "text/html"}}
    slow_node.fault(route="status", times=1, effect=page)
    slow_node.fault(route="status", times=1, after=1, effect={"truncate": 20})
    slow_node.fault(route="status", times=1, after=2, effect={"status": 500})
    html, short, broken = (slow_node.client.get(path) for _ in range(3))
    assert (html.text, html.headers["content-type"]) == ("<html>oops", "text/html")
    assert len(short.content) == 20
    assert broken.status_code == 500
    assert broken.json()["external_job_id"] == external_id


def test_rules_are_listed_counted_and_lifted(slow_node: NodeProcess) -> None:
    slow_node.fault(route="capabilities", times=1, after=1, effect={"answer": {"code": 500}})
    codes = [slow_node.client.get("/training/capabilities").status_code for _ in range(3)]
    assert codes == [200, 500, 200]
    listed = slow_node.get("/faults")["faults"]
    assert [(rule["seen"], rule["hits"], rule["spent"]) for rule in listed] == [(3, 1, True)]
    assert slow_node.client.delete("/faults").json() == {"lifted": 1}
    assert slow_node.get("/faults")["faults"] == []
    assert slow_node.client.delete("/faults/999").status_code == 404


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"route": "nowhere", "effect": {}}, "route"),
        ({"route": "any"}, "effect"),
        ({"route": "any", "effect": {"explode": True}}, "effect.explode"),
        ({"route": "any", "effect": {"reset": "yes"}}, "effect.reset"),
        ({"route": "any", "times": -1, "effect": {}}, "times"),
        ({"route": "any", "effect": {"outcome": {"kind": "hang"}}}, "effect.outcome"),
        ({"route": "job", "effect": {"outcome": {"kind": "strike"}}}, "effect.outcome"),
        ({"route": "job", "effect": {"reset": True}}, "effect.outcome"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: Any, field: str, slow_node: NodeProcess) -> None:
    answer = slow_node.client.post("/faults", json=rule)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field
