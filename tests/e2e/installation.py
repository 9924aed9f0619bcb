"""A whole installation in a folder of its own: the demo's programs, real ones, without the demo's supervisor."""

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from subprocess import Popen
from typing import Any

from lora_pipeline.devstack import addresses, control_plane, ports, programs, stack, storage
from lora_pipeline.devstack.client import Api, ApiError
from lora_pipeline.devstack.places import Places
from lora_pipeline.devstack.programs import Program
from tests.datasets.files import chat_file

# The node's clock runs so fast that a job of one epoch takes a second or two; see also `LONG`.
OPTIONS = stack.Options(level=2, speed=30, poll_seconds=1)
EXAMPLES = 1000
# What makes a job train for a quarter of an hour, on eight GPUs too: longer than any test may take.
LONG: dict[str, Any] = {
    "gpu_config": {"type": "A100-40GB", "count": 1},
    "hyperparameters": {"max_steps": 200_000, "batch_size": 1},
}
# Of jobs and of datasets: what else they are in the end will not change any more.
GOING_ON = ("queued", "initializing", "running", "cancelling", "validating")
PREPARATION_SECONDS = 180
READY_SECONDS = 180


@dataclass
class Installation:
    """What runs, and the API of each user. Datasets come by the import, which takes a single call."""

    stack: stack.Stack
    logs: Path
    users: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    _processes: dict[str, tuple[Program, Popen[bytes]]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.stack.base_url

    def api(self, username: str) -> Api:
        return Api(self.url, self.users[username]["token"])

    def start(self, *wanted: Program) -> None:
        """Start programs and wait until they answer."""
        self.launch(*wanted)
        for program in wanted:
            _, process = self._processes[program.name]
            programs.await_ready(program, process, self.logs / f"{program.name}.log")

    def launch(self, *wanted: Program) -> None:
        """Start programs without waiting for them."""
        for program in wanted:
            program.clean_up()
            self._processes[program.name] = (program, programs.spawn(program, self.logs / f"{program.name}.log"))

    def kill(self, name: str) -> Program:
        """kill -9 a program with all it has started; gives it back, to be started again."""
        program, process = self._processes.pop(name)
        programs.signal_group(process.pid, signal.SIGKILL)
        process.wait()
        return program

    def ended(self) -> list[str]:
        """Programs that have ended by themselves."""
        return [name for name, (_, process) in self._processes.items() if process.poll() is not None]

    def web_elsewhere(self, name: str, **changes: str) -> str:
        """A web server besides, in the changed environment; its address. It goes with the installation."""
        (usual,) = (program for program in self.stack.control_plane if program.name == "web")
        port = ports.free()
        again = control_plane.web({**usual.environment, **changes}, usual.folder, port=port)
        self.start(replace(again, name=name))
        return f"http://{ports.HOST}:{port}"

    def read_users(self) -> None:
        """Learn who was made by the preparation."""
        self.users = {user["username"]: user for user in json.loads(self.stack.users_file.read_text())}

    def process(self, name: str) -> Popen[bytes]:
        """A program's running process."""
        return self._processes[name][1]

    def stop(self, name: str) -> Program:
        """Stop a program; gives it back, to be started again."""
        program, process = self._processes.pop(name)
        programs.stop(program, process)
        return program

    def stop_all(self) -> None:
        """In the order in which the demo stops them."""
        for name in sorted(self._processes, key=lambda name: self._processes[name][0].stop_rank):
            self.stop(name)

    def store(self, username: str, file_name: str, body: bytes) -> None:
        """Put a file where `username` may import it."""
        self.stack.s3.client().upload_fileobj(
            BytesIO(body), self.stack.buckets["training-files"], f"{username}/{file_name}"
        )

    def dataset(self, username: str, name: str) -> dict[str, Any]:
        """An imported dataset; it is validated by the workers (see `await_ready`)."""
        file_name = f"{name.lower().replace(' ', '-')}.jsonl"
        self.store(username, file_name, chat_file(EXAMPLES))
        body = {"path": f"{username}/{file_name}", "name": name}
        imported: dict[str, Any] = self.api(username).post("datasets/import", body)["dataset"]
        return imported

    def await_ready(self, username: str, dataset: Mapping[str, Any]) -> dict[str, Any]:
        """The dataset once the workers have found it ready."""
        return self._await(username, f"datasets/{dataset['id']}", "dataset", {"ready"})

    def await_end(self, username: str, job: Mapping[str, Any]) -> dict[str, Any]:
        """The job once it has completed."""
        return self._await(username, f"jobs/{job['id']}", "job", {"completed"})

    def await_true(self, question: Callable[[], bool]) -> None:
        """Ask until it is so. A server that is too busy to answer is asked again, as pages do."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            with suppress(ApiError):
                if question():
                    return
            assert time.monotonic() < deadline, f"not so after {READY_SECONDS} s"
            time.sleep(0.1)

    def _await(self, username: str, path: str, noun: str, statuses: set[str]) -> dict[str, Any]:
        seen: dict[str, Any] = {}

        def is_so() -> bool:
            seen.update(self.api(username).get(path)[noun])
            assert seen["status"] in {*statuses, *GOING_ON}, f"/api/{path} is {seen['status']}"
            return seen["status"] in statuses

        self.await_true(is_so)
        return seen

    def long_job(self, username: str, dataset: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        """A job that trains until it is cancelled."""
        return self.job(username, dataset, **LONG, **changes)

    def cancel(self, username: str, job_id: str) -> None:
        """Let a job end at last, if it has not ended by itself."""
        with suppress(ApiError):
            self.api(username).post(f"jobs/{job_id}/cancel", {})

    def billed_job(self, username: str, dataset: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        """A job that was cancelled when it had cost some cents: what a quick one costs may round to none."""
        job = self.job(username, dataset, **{**LONG, "gpu_config": {"type": "H100-80GB", "count": 2}}, **changes)
        self.await_true(lambda: self.api(username).get(f"jobs/{job['id']}")["job"]["current_cost"] >= 0.02)
        self.api(username).post(f"jobs/{job['id']}/cancel", {})
        return self._await(username, f"jobs/{job['id']}", "job", {"cancelled"})

    def job(self, username: str, dataset: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        """A job on the dataset, of one epoch unless told otherwise."""
        body = {
            "dataset_id": dataset["id"],
            "gpu_config": {"type": "H100-80GB", "count": 2},
            "hyperparameters": {"epochs": 1},
            **changes,
        }
        made: dict[str, Any] = self.api(username).post("jobs", body)["job"]
        return made


@contextmanager
def installed(folder: Path, options: stack.Options = OPTIONS) -> Iterator[Installation]:
    """A running installation, stopped at the end of the block."""
    places = Places(folder)
    places.prepare()
    composed = stack.compose(places, options, addresses.choose(folder / "ports.json", web=None), {})
    installation = Installation(composed, places.logs)
    try:
        installation.start(*composed.servers)
        storage.ensure_buckets(composed.s3, composed.buckets.values())
        prepare(composed.preparation, places.logs / "prepare.log")
        installation.read_users()
        installation.start(*composed.control_plane, composed.beat)
        yield installation
    finally:
        installation.stop_all()


def prepare(program: Program, log: Path) -> None:
    """Run the stack's preparation to its end; raises NotReady when it fails."""
    process = programs.spawn(program, log)
    if process.wait(PREPARATION_SECONDS):
        raise programs.NotReady(f"{program.name} failed.{programs.last_lines(log)}")
