"""What an installation holds when its pages are looked at: datasets, jobs in each state, a webhook."""

from collections.abc import Mapping
from typing import Any

from tests.datasets.files import chat_line, other_layouts
from tests.e2e.chats import support_file
from tests.e2e.installation import Installation

FAULTY = chat_line(("user", "Hi"), ("asistant", "Hello")) + b'{"messages": [}\n'


def arrange(installation: Installation) -> Mapping[str, str]:
    """Fill alice's account; the ids of what is there, by the names that tests.e2e.pages uses."""
    api = installation.api("alice")
    support = installation.await_ready("alice", _import(installation, "Support chats", support_file()))
    running = _running(installation, support)  # the first, so that there is something to see of it
    _import(installation, "Product questions", other_layouts(400)["alpaca"])
    faulty = _import(installation, "Returns, exported by hand", support_file(60) + FAULTY)
    webhook = api.post("webhooks", {"url": "https://hooks.example.com/lora", "event_types": ["job_failed"]})
    tried: dict[str, dict[str, Any]] = {
        "Support tone, careful": {"learning_rate": 5e-5},
        "Support tone, rank 32": {"rank": 32, "alpha": 64},
    }
    completed = [
        installation.job("alice", support, name=name, hyperparameters={"epochs": 2, **changes})
        for name, changes in tried.items()
    ]
    for job in completed:
        installation.await_end("alice", job)
    installation.billed_job("alice", support, name="Support tone, stopped early")  # so that there are costs to see
    return {
        "dataset": support["id"],
        "faulty": faulty["id"],
        "webhook": webhook["webhook"]["id"],
        "job": completed[0]["id"],
        "other": completed[1]["id"],
        "failed": _failed(installation),
        "running": running,
    }


def _import(installation: Installation, name: str, body: bytes) -> dict[str, Any]:
    path = f"{name.lower().replace(',', '').replace(' ', '-')}.jsonl"
    installation.store("alice", path, body)
    imported: dict[str, Any] = installation.api("alice").post(
        "datasets/import", {"path": f"alice/{path}", "name": name}
    )["dataset"]
    return imported


def _failed(installation: Installation) -> str:
    """A job whose file is no longer what was validated."""
    changed = installation.await_ready("alice", installation.dataset("alice", "Overnight export"))
    installation.store("alice", "overnight-export.jsonl", b"{}\n")
    job = installation.job("alice", changed, name="Overnight export, first try")
    api = installation.api("alice")
    installation.await_true(lambda: api.get(f"jobs/{job['id']}")["job"]["status"] == "failed")
    return str(job["id"])


def _running(installation: Installation, dataset: Mapping[str, Any]) -> str:
    """A job that trains for as long as anybody looks at it, and has points already."""
    slowly = {"max_steps": 150_000, "batch_size": 1}
    one = {"type": "A100-80GB", "count": 1}
    job = installation.job(
        "alice", dataset, name="Support tone, long run", max_cost=40, gpu_config=one, hyperparameters=slowly
    )
    api = installation.api("alice")
    installation.await_true(lambda: bool(api.get(f"jobs/{job['id']}")["job"]["current_step"]))
    return str(job["id"])
