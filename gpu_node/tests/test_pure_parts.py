"""The small pure parts: orders, lines for GPUs, the agenda, the one timer."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import DATASET
from fakes import HandClock
from gpu_node.agenda import Agenda, Alarm
from gpu_node.clock import SystemClock, iso
from gpu_node.errands.callbacks import Callbacks
from gpu_node.errands.crew import Crew
from gpu_node.errands.inputs import fetch_inputs
from gpu_node.executor import InputPlaces
from gpu_node.jobs import Job
from gpu_node.orders import read_order
from gpu_node.queue import GpuQueue
from gpu_node.spec import Dataset, InvalidOrder, JobSpec, RemoteFile
from servers import Outside

ORDER: dict[str, Any] = {
    "job_id": "job-1",
    "dataset_url": "https://storage/data",
    "base_model": "SmolLM2-135M",
    "hyperparameters": {"epochs": 3, "my_own": "kept"},
    "gpu_config": {"type": "H100-80GB", "count": 2},
}
FILE: dict[str, Any] = {"path": "a/b.safetensors", "url": "https://storage/b", "size": 3}
RESUME: dict[str, Any] = {"external_job_id": "run-1", "step": 40}


def test_an_order_of_level_1_is_read() -> None:
    spec = read_order(ORDER)
    assert (spec.job_id, spec.attempt, spec.gpu_type, spec.gpu_count) == ("job-1", 1, "H100-80GB", 2)
    assert spec.dataset == Dataset("https://storage/data")
    assert spec.hyperparameters["my_own"] == "kept"
    assert spec.max_runtime_s is None


def test_a_model_a_validation_file_and_a_checkpoint_are_read() -> None:
    spec = read_order(
        ORDER
        | {
            "base_model_source": {"kind": "files", "location": "SmolLM2", "files": [FILE], "licence": "MIT"},
            "validation_dataset": {"url": "https://storage/v", "sha256": "ab", "bytes": 7},
            "resume_from": {"external_job_id": "run-1", "step": 40, "files": [FILE | {"sha256": "cd"}]},
        }
    )
    source, resume = spec.model_source, spec.resume_from
    assert (source.name, source.kind, source.licence) == ("SmolLM2-135M", "files", "MIT")
    assert source.files == (RemoteFile("a/b.safetensors", "https://storage/b", 3),)
    assert spec.validation == Dataset("https://storage/v", "ab", 7)
    assert resume is not None
    assert (resume.external_job_id, resume.step, resume.files[0].sha256) == ("run-1", 40, "cd")


def test_a_base_model_without_a_source_comes_from_the_hub() -> None:
    source = read_order(ORDER).model_source
    assert (source.kind, source.location) == ("hub", "SmolLM2-135M")


def test_new_addresses_make_no_new_order() -> None:
    first = read_order(ORDER | {"resume_from": RESUME | {"files": [FILE]}})
    again = read_order(ORDER | {"resume_from": RESUME | {"files": [FILE | {"url": "https://storage/new"}]}})
    other = read_order(ORDER | {"resume_from": RESUME | {"step": 41}})
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()


def test_an_order_hides_its_secrets_when_it_is_printed() -> None:
    signed = {"callback_token": "a-token", "dataset_url": "https://storage/data?signature=x"}
    shown = repr(read_order(ORDER | signed))
    assert "a-token" not in shown
    assert "signature" not in shown


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"job_id": None}, "job_id"),
        ({"job_id": "x" * 5000}, "job_id"),
        ({"job_id": "a\x00b"}, "job_id"),
        ({"dataset_url": "file:///etc/passwd"}, "dataset_url"),
        ({"dataset": {"url": "https://storage/x", "bytes": -1}}, "dataset.bytes"),
        ({"dataset": "x"}, "dataset"),
        ({"gpu_config": {"type": "H100-80GB", "count": 1.5}}, "gpu_config.count"),
        ({"gpu_config": {"type": "H100-80GB", "count": True}}, "gpu_config.count"),
        ({"gpu_config": {"gpu_type": "H100-80GB"}}, "gpu_config.type"),
        ({"attempt": 0}, "attempt"),
        ({"limits": {"max_runtime_s": 0}}, "limits.max_runtime_s"),
        ({"limits": {"max_runtime_s": float("inf")}}, "limits.max_runtime_s"),
        ({"resume_from": {"job": "x"}}, "resume_from.external_job_id"),
        ({"resume_from": {"external_job_id": "x", "step": -1}}, "resume_from.step"),
        (
            {"resume_from": {"external_job_id": "x", "files": [FILE | {"path": "../x"}]}},
            "resume_from.files[0].path",
        ),
        ({"resume_from": {"external_job_id": "x", "files": [{"path": "x"}]}}, "resume_from.files[0].url"),
        ({"base_model_source": {"kind": "pickle", "location": "x"}}, "base_model_source.kind"),
        ({"base_model_source": {"kind": "hub"}}, "base_model_source.location"),
        ({"base_model_source": {"kind": "files", "location": "x"}}, "base_model_source.files"),
        ({"validation_dataset": {"sha256": "ab"}}, "validation_dataset.url"),
        ({"callback_url": "http://[broken"}, "callback_url"),
        ({"hyperparameters": {"learning_rate": "fast"}}, "hyperparameters.learning_rate"),
        ({"hyperparameters": {"rank": 1.5}}, "hyperparameters.rank"),
        ({"hyperparameters": {"validation_split": "a tenth"}}, "hyperparameters.validation_split"),
        ({"hyperparameters": {"max_steps": -1}}, "hyperparameters.max_steps"),
        ({"hyperparameters": [1]}, "hyperparameters"),
    ],
)
def test_an_order_with_one_wrong_field_names_that_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidOrder) as refused:
        read_order(ORDER | change)
    assert field in {problem.field for problem in refused.value.problems}


def test_gpus_are_handed_out_in_order_of_arrival() -> None:
    queue = GpuQueue({"A": 3, "B": 1})
    queue.join("a1", "A", 2)
    queue.join("a2", "A", 2)
    queue.join("b1", "B", 1)
    queue.join("a3", "A", 1)
    assert (queue.next("A"), queue.next("A"), queue.next("B")) == ("a1", None, "b1")
    queue.release("A", 2)
    assert (queue.next("A"), queue.next("A"), queue.next("A")) == ("a2", "a3", None)
    assert queue.free("A") == 0


def test_who_left_the_line_holds_up_nobody() -> None:
    queue = GpuQueue({"A": 1})
    for name in ("a1", "a2", "a3"):
        queue.join(name, "A", 1)
    queue.leave("a1")
    queue.leave("a2")
    assert (queue.next("A"), queue.next("A")) == ("a3", None)


def test_the_agenda_keeps_one_moment_per_name() -> None:
    agenda = Agenda()
    agenda.set("a", 10)
    agenda.set("b", 5)
    agenda.set("b", 20)
    agenda.set("c", 7)
    agenda.set("c", None)
    assert agenda.next_due() == 10
    assert agenda.pop_due(9) is None
    assert [agenda.pop_due(30), agenda.pop_due(30), agenda.pop_due(30)] == ["a", "b", None]


def test_the_alarm_rings_when_something_is_due_and_follows_an_earlier_entry() -> None:
    async def ring_twice() -> list[str]:
        agenda, rung, done = Agenda(), list[str](), asyncio.Event()
        clock = SystemClock()

        def ring() -> None:
            while name := agenda.pop_due(clock.now()):
                rung.append(name)
            if len(rung) == 2:
                done.set()

        alarm = Alarm(agenda, clock, ring)
        agenda.set("later", clock.now() + 0.05)
        alarm.rearm()
        agenda.set("sooner", clock.now() + 0.01)
        alarm.rearm()
        await asyncio.wait_for(done.wait(), 10)
        alarm.silence()
        return rung

    assert asyncio.run(ring_twice()) == ["sooner", "later"]


def test_a_crew_never_works_on_more_than_its_size_and_survives_a_failure() -> None:
    async def work() -> tuple[int, int]:
        crew, busy, most, done = Crew("test", 2), 0, 0, 0
        finished = asyncio.Event()

        async def errand(fails: bool) -> None:
            nonlocal busy, most, done
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0)
            busy -= 1
            done += 1
            if done == 9:
                finished.set()
            if fails:
                raise RuntimeError("an errand that fails")

        for number in range(9):
            crew.add(lambda fails=number == 0: errand(fails))  # type: ignore[misc]
        await asyncio.wait_for(finished.wait(), 10)
        await crew.close()
        return most, done

    assert asyncio.run(work()) == (2, 9)


def test_a_crew_with_a_limit_drops_the_oldest() -> None:
    async def work() -> list[int]:
        crew, seen, finished = Crew("test", 1, limit=2), list[int](), asyncio.Event()

        async def errand(number: int) -> None:
            seen.append(number)
            if number == 4:
                finished.set()

        for number in range(5):
            crew.add(lambda number=number: errand(number))  # type: ignore[misc]
        await asyncio.wait_for(finished.wait(), 10)
        await crew.close()
        return seen

    assert asyncio.run(work()) == [3, 4]


def test_a_dataset_is_written_down_for_an_executor_that_wants_it(outside: Outside, tmp_path: Path) -> None:
    async def fetch() -> bytes:
        spec = JobSpec("j", 1, "m", {}, "CPU", 1, Dataset(f"{outside.url}/data/train.jsonl"))
        async with httpx.AsyncClient(trust_env=False) as client:
            job = Job(1, "run-1", spec, None, HandClock().now())
            path = tmp_path / "train.jsonl"
            places = InputPlaces(path, tmp_path / "validation.jsonl", tmp_path / "resume")
            fetched = await fetch_inputs(client, Callbacks(client), job, lambda: True, places)
            assert (fetched.dataset.lines, fetched.dataset.bytes) == (300, len(DATASET))
            return path.read_bytes()

    assert asyncio.run(fetch()) == DATASET


def test_times_are_iso_8601_in_utc() -> None:
    assert iso(0.1234) == "1970-01-01T00:00:00.123Z"
    assert iso(None) is None
