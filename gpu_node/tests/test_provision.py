"""Making a machine ready: once for all who want it, with news, and with an end when nobody wants it any more.

The trainer here is a stand-in: a folder whose programs say the same lines as the real ones and note calls.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from gpu_node.provision.machine import MachineProvisioner
from gpu_node.provisioning import Progress, ProvisionFailed
from gpu_node.spec import ModelSource, RemoteFile
from servers import PATIENCE_S, Outside

INSTALL = """
import json, os, sys, time
open(os.path.join(os.path.dirname(__file__), "calls"), "a").write("install\\n")
assert "GPU_NODE_API_KEY" not in os.environ
print(json.dumps({"progress": 40, "text": "Fetching torch"}), flush=True)
while os.path.exists(os.path.join(os.path.dirname(__file__), "hold")): time.sleep(0.01)
print("a word of a library's")
print(json.dumps({"done": True, "python": sys.executable}))
"""
PREPARE = """
import json, os, pathlib, sys
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
here = pathlib.Path(__file__).parents[2]
with open(here / "calls", "a") as calls: calls.write(f"{sys.argv[1]} {options['--kind']}\\n")
if options["--location"] == "no/such":
    sys.exit('{"error": "base_model_unavailable", "text": "no such model"}')
if options["--location"] == "crash": sys.exit("Segmentation fault")
print(json.dumps({"progress": 50, "text": "Converting"}), flush=True)
into = pathlib.Path(options["--into"])
partial = into.with_name(into.name + ".partial")
partial.mkdir(exist_ok=True)
(partial / "config.json").write_text("{}")
files = pathlib.Path(options.get("--files", "/nowhere"))
given = sorted(str(file.relative_to(files)) for file in files.rglob("*") if file.is_file())
(partial / "given").write_text("\\n".join(given))
partial.rename(into)
print(json.dumps({"done": True}))
"""

Use = Callable[[MachineProvisioner], Awaitable[object]]


@pytest.fixture
def trainer(tmp_path: Path) -> Path:
    """The stand-in's folder."""
    folder = tmp_path / "trainer"
    package = folder / "src" / "lora_trainer"
    package.mkdir(parents=True)
    (folder / "install.py").write_text(INSTALL)
    (package / "__main__.py").write_text(PREPARE)
    return folder


@pytest.fixture
def with_machine(trainer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Use], object]:
    """`with_machine(use)` runs `use(provisioner)` to its end."""
    monkeypatch.setenv("GPU_NODE_API_KEY", "secret")

    @asynccontextmanager
    async def machine() -> AsyncIterator[MachineProvisioner]:
        async with httpx.AsyncClient(trust_env=False) as client:
            made = MachineProvisioner(
                trainer=trainer, environment=tmp_path / "env", models=tmp_path / "models", client=client
            )
            try:
                yield made
            finally:
                await made.close()

    async def run(use: Use) -> object:
        async with machine() as made:
            return await asyncio.wait_for(use(made), PATIENCE_S)

    return lambda use: asyncio.run(run(use))


def hub(location: str = "org/model") -> ModelSource:
    return ModelSource("org/model", "hub", location, licence="Apache-2.0")


def calls(trainer: Path) -> list[str]:
    return (trainer / "calls").read_text().splitlines()


def deaf(news: Progress) -> None:
    """Who does not listen."""


def test_the_environment_comes_first_then_the_model(
    with_machine: Callable[[Use], object], trainer: Path, tmp_path: Path
) -> None:
    news: list[Progress] = []

    async def use(machine: MachineProvisioner) -> None:
        provided = await machine.provide(hub(), news.append, None)
        assert provided.python.samefile(sys.executable)
        assert (provided.model_path / "config.json").exists()
        assert provided.model_path.parent == tmp_path / "models"
        assert provided.licence == "Apache-2.0"

    with_machine(use)
    assert calls(trainer) == ["install", "prepare-model hub"]
    assert Progress("initializing", "Fetching torch", 40) in news
    assert news[-1] == Progress("model_loading", "Converting", 50)


def test_what_is_ready_is_not_made_again(with_machine: Callable[[Use], object], trainer: Path) -> None:
    async def use(machine: MachineProvisioner) -> None:
        first = await machine.provide(hub(), deaf, None)
        assert await machine.provide(hub(), deaf, None) == first

    with_machine(use)
    assert calls(trainer) == ["install", "prepare-model hub"]


def test_jobs_that_want_the_same_share_one_work_and_its_news(
    with_machine: Callable[[Use], object], trainer: Path
) -> None:
    heard: tuple[list[Progress], list[Progress]] = ([], [])

    async def use(machine: MachineProvisioner) -> None:
        await asyncio.gather(*(machine.provide(hub(), each.append, None) for each in heard))

    with_machine(use)
    assert calls(trainer) == ["install", "prepare-model hub"]
    assert heard[0] == heard[1]


def test_a_cancelled_job_ends_only_what_no_other_waits_for(
    with_machine: Callable[[Use], object], trainer: Path
) -> None:
    (trainer / "hold").touch()
    started = asyncio.Event()

    async def use(machine: MachineProvisioner) -> None:
        leaving = asyncio.ensure_future(machine.provide(hub(), lambda news: started.set(), None))
        await started.wait()
        staying = asyncio.ensure_future(machine.provide(hub(), deaf, None))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait({leaving})
        (trainer / "hold").unlink()
        await staying

    with_machine(use)
    assert calls(trainer) == ["install", "prepare-model hub"]


def test_what_nobody_waits_for_ends_with_its_process(
    with_machine: Callable[[Use], object], trainer: Path
) -> None:
    (trainer / "hold").touch()
    installing = asyncio.Event()

    def hear(news: Progress) -> None:
        if news.text == "Fetching torch":
            installing.set()

    async def use(machine: MachineProvisioner) -> None:
        leaving = asyncio.ensure_future(machine.provide(hub(), hear, None))
        await installing.wait()
        leaving.cancel()
        await asyncio.wait({leaving})
        (trainer / "hold").unlink()
        await machine.provide(hub(), deaf, None)  # begins anew, after the old one's end

    with_machine(use)
    assert calls(trainer) == ["install", "install", "prepare-model hub"]


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        (hub("no/such"), "base_model_unavailable", "no such model"),
        (hub("crash"), "base_model_unavailable", "Segmentation fault"),
        (ModelSource("m", "folder", "/no/such/folder"), "base_model_unavailable", "/no/such/folder"),
        (ModelSource("m", "folder", "relative"), "base_model_unavailable", "absolute path"),
        (ModelSource("m", "package", "some-package"), "base_model_unavailable", "pinned as name==version"),
    ],
)
def test_a_model_that_cannot_be_had_says_why(
    with_machine: Callable[[Use], object], source: ModelSource, code: str, words: str
) -> None:
    async def use(machine: MachineProvisioner) -> None:
        with pytest.raises(ProvisionFailed, match=words) as failed:
            await machine.provide(source, deaf, None)
        assert failed.value.code == code

    with_machine(use)


def test_an_environment_that_cannot_be_made_gives_the_installers_advice(
    with_machine: Callable[[Use], object], trainer: Path
) -> None:
    (trainer / "install.py").write_text(
        """print('{"error": "disk_full", "text": "make room"}'); raise SystemExit(1)"""
    )

    async def use(machine: MachineProvisioner) -> None:
        with pytest.raises(ProvisionFailed, match="make room") as failed:
            await machine.provide(hub(), deaf, None)
        assert failed.value.code == "disk_full"

    with_machine(use)


def test_a_folder_of_the_operators_is_used_where_it_lies(
    with_machine: Callable[[Use], object], tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text("{}")

    async def use(machine: MachineProvisioner) -> None:
        provided = await machine.provide(ModelSource("m", "folder", str(tmp_path / "mine")), deaf, None)
        assert provided.model_path == tmp_path / "mine"

    with_machine(use)


def test_files_arrive_by_their_urls_and_leave_only_the_model(
    with_machine: Callable[[Use], object], outside: Outside, tmp_path: Path
) -> None:
    outside.datasets |= {"/data/config.json": b"{}", "/data/weights": b"x" * 5000}
    files = tuple(
        RemoteFile(path, f"{outside.url}/data/{name}", size)
        for path, name, size in (
            ("config.json", "config.json", 2),
            ("sub/model.safetensors", "weights", 5000),
        )
    )

    async def use(machine: MachineProvisioner) -> None:
        source = ModelSource("m", "files", "s3://models/m", files)
        provided = await machine.provide(source, deaf, None)
        assert (provided.model_path / "given").read_text().split() == ["config.json", "sub/model.safetensors"]

    with_machine(use)
    left = {path.name for path in (tmp_path / "models").iterdir() if not path.name.endswith(".lock")}
    assert len(left) == 1


def test_another_source_of_the_same_name_is_another_model(with_machine: Callable[[Use], object]) -> None:
    async def use(machine: MachineProvisioner) -> None:
        one = await machine.provide(hub("org/one"), deaf, None)
        other = await machine.provide(hub("org/other"), deaf, None)
        assert one.model_path != other.model_path

    with_machine(use)


def test_no_child_outlives_the_end_of_the_node(
    with_machine: Callable[[Use], object], trainer: Path, tmp_path: Path
) -> None:
    (trainer / "hold").touch()
    (trainer / "install.py").write_text(INSTALL + f"\nopen({str(tmp_path / 'survived')!r}, 'w')")
    installing = asyncio.Event()

    async def use(machine: MachineProvisioner) -> None:
        waiting = asyncio.ensure_future(machine.provide(hub(), lambda news: installing.set(), None))
        await installing.wait()
        await machine.close()
        await asyncio.wait({waiting})
        assert waiting.cancelled()
        (trainer / "hold").unlink()

    with_machine(use)
    assert not (tmp_path / "survived").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["trainer"]
