"""The process: start, refusal to start, restart, quick end, quiet logs."""

import json
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Nodes, Orders
from gpu_node.server import listen
from gpu_node.settings import read_gpus, read_settings
from servers import KEY, PATIENCE_S, SOURCE, NodeProcess

BASICS = ["--state-dir", "state", "--simulated", "--gpu", "CPU:1"]


def test_it_says_where_it_listens(nodes: Nodes, tmp_path: Path) -> None:
    node = nodes("--gpu", "CPU:1")
    told = json.loads((tmp_path / "state" / "node.json").read_text())
    assert told == {"url": node.url, "pid": node.process.pid}
    assert node.get("/health") == {"status": "ok"}
    node.stop()
    assert not (tmp_path / "state" / "node.json").exists()


def test_jobs_go_on_after_a_kill(nodes: Nodes, long_order: Orders, tmp_path: Path) -> None:
    options = ("--gpu", "H100-80GB:1", "--speed", "10")
    node = nodes(*options)
    running, waiting = node.start(long_order()), node.start(long_order())
    body = long_order()
    node.start(body)
    before = node.wait(running, lambda status: status["current_step"] > 5)
    points = node.get(f"/training/metrics/{running}?limit=5")["points"]
    node.stop(kill=True)

    again = nodes(*options)
    after = again.status(running)
    assert after["current_step"] >= before["current_step"]
    assert after["state_seq"] == before["state_seq"]
    assert after["started_at"] == before["started_at"]
    assert again.get(f"/training/metrics/{running}?limit=5")["points"] == points
    assert again.status(waiting)["status"] == "queued"
    assert again.submit(body).status_code == 200
    assert len(again.get("/faults/journal")["submits"]) == 4
    again.client.post(f"/training/cancel/{running}", json={"grace_s": 0})
    again.wait_for(waiting, "running")


def test_two_nodes_never_share_a_state_directory(nodes: Nodes, tmp_path: Path) -> None:
    nodes("--gpu", "CPU:1")
    with pytest.raises(AssertionError, match="another gpu_node already uses"):
        NodeProcess(tmp_path / "state", "--gpu", "CPU:1")


def test_a_taken_port_is_said_clearly(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with pytest.raises(AssertionError, match=f"cannot listen on 127.0.0.1:{port}"):
            NodeProcess(tmp_path, "--gpu", "CPU:1", "--port", port)


def test_answers_are_not_held_back_by_nagle() -> None:
    with listen("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP


def test_it_ends_at_once_even_with_a_request_that_hangs(nodes: Nodes) -> None:
    node = nodes("--gpu", "CPU:1")
    node.fault(route="capabilities", effect={"hang_s": 3600})
    with node.called("GET", "/training/capabilities"):
        node.wait_until_struck()
        node.process.send_signal(signal.SIGTERM)
        assert node.process.wait(timeout=PATIENCE_S) == 0


def test_no_secret_gets_into_the_log_and_the_state_is_private(
    nodes: Nodes, order: Orders, tmp_path: Path
) -> None:
    node = nodes("--gpu", "H100-80GB:1", "--speed", "2000", "--log-level", "debug")
    body = order(callback_url="http://127.0.0.1:9/cb", callback_token="a-callback-token")
    body["dataset"]["url"] += "?X-Amz-Signature=a-signature"
    external_id = node.start(body)
    node.wait(external_id, lambda status: status["stage"] != "initializing")
    log = node.stop()
    assert external_id in log
    for secret in (KEY, "a-callback-token", "a-signature"):
        assert secret not in log
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state" / "node.sqlite3").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "environ", "said"),
    [
        (BASICS, {}, "GPU_NODE_API_KEY"),
        (BASICS[2:], {"GPU_NODE_API_KEY": "k"}, "--state-dir"),
        (["--state-dir", "s", "--faults"], {"GPU_NODE_API_KEY": "k"}, "--simulated"),
        (["--state-dir", "s", "--gpu", "H100:1"], {"GPU_NODE_API_KEY": "k"}, "NVML finds here"),
        (["--state-dir", "s", "--trainer", "/nowhere"], {"GPU_NODE_API_KEY": "k"}, "--trainer"),
        ([*BASICS, "--keep-days", "-1"], {"GPU_NODE_API_KEY": "k"}, "--keep-days"),
        ([*BASICS, "--gpu", "H100"], {"GPU_NODE_API_KEY": "k"}, "TYPE:COUNT"),
        ([*BASICS, "--gpu", "H100:0"], {"GPU_NODE_API_KEY": "k"}, "TYPE:COUNT"),
        ([*BASICS, "--speed", "0"], {"GPU_NODE_API_KEY": "k"}, "--speed"),
        ([*BASICS, "--speed", "nan"], {"GPU_NODE_API_KEY": "k"}, "--speed"),
        ([*BASICS, "--port", "70000"], {"GPU_NODE_API_KEY": "k"}, "--port"),
        ([*BASICS, "--level", "3"], {"GPU_NODE_API_KEY": "k"}, "--level"),
        (BASICS, {"GPU_NODE_API_KEY": "k", "GPU_NODE_PORT": "x"}, "--port"),
    ],
)
def test_settings_that_make_no_sense_end_the_start(
    arguments: list[str], environ: dict[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        read_settings(arguments, environ)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_every_option_is_also_an_environment_variable() -> None:
    settings = read_settings(
        [],
        {
            "GPU_NODE_API_KEY": "the-key",
            "GPU_NODE_STATE_DIR": "/var/lib/node",
            "GPU_NODE_SIMULATED": "true",
            "GPU_NODE_GPU": "H100-80GB:8,CPU:2",
            "GPU_NODE_LEVEL": "1",
            "GPU_NODE_PORT": "8123",
            "GPU_NODE_SPEED": "2.5",
            "GPU_NODE_FAULTS": "1",
        },
    )
    assert settings.gpus == {"H100-80GB": 8, "CPU": 2}
    assert (settings.level, settings.port, settings.speed) == (1, 8123, 2.5)
    assert settings.simulated
    assert settings.faults
    assert "the-key" not in repr(settings)


def test_a_training_node_finds_its_trainer_whatever_folder_it_is_started_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = read_settings(["--state-dir", "state", "--gpu", "CPU:1"], {"GPU_NODE_API_KEY": "k"})
    assert (settings.trainer / "install.py").is_file()
    assert settings.trainer_env == tmp_path / "state" / "trainer"
    assert settings.models == tmp_path / "state" / "models"


def test_gpus_of_one_type_add_up() -> None:
    assert read_gpus(["A:1", "B:2", "A:3"]) == {"A": 4, "B": 2}


def test_it_knows_nothing_of_the_control_planes_code() -> None:
    listing = "import sys, gpu_node.server; print(' '.join(sys.modules))"
    environ = {"PYTHONPATH": str(SOURCE)}
    answer = subprocess.run(
        [sys.executable, "-c", listing], env=environ, capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in answer.stdout.split()}
    assert not loaded & {"django", "celery", "rest_framework", "jobs", "datasets", "lora_pipeline"}
