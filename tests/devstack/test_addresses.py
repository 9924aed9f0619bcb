"""Ports are free ones, never two of the same, and stay over restarts."""

import json
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lora_pipeline.devstack import addresses, ports, storage
from lora_pipeline.devstack.addresses import Addresses, PortTaken


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "ports.json"


@pytest.fixture
def occupied() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind((ports.HOST, 0))
        listening.listen()
        yield listening.getsockname()[1]


def every_port(chosen: Addresses) -> list[int]:
    twins = [port + storage.GRPC_OFFSET for port in chosen.storage.values()]
    return [chosen.web, chosen.broker, *chosen.nodes.values(), *chosen.storage.values(), *twins]


def test_a_port_that_is_listened_on_is_not_free(occupied: int) -> None:
    assert not ports.is_free(occupied)
    assert ports.answers(occupied)


def test_a_free_port_can_have_a_free_twin() -> None:
    port = ports.free(twin_offset=storage.GRPC_OFFSET)
    assert ports.is_free(port)
    assert ports.is_free(port + storage.GRPC_OFFSET)


def test_ports_that_are_chosen_one_after_the_other_differ_though_nobody_listens_on_them_yet() -> None:
    chosen = [ports.free() for _ in range(500)]  # by chance alone some of them would be the same
    assert len(set(chosen)) == len(chosen)


@pytest.mark.parametrize("contents", ["", "[]", "{", '{"x": "y"}', '{"1": null}'])
def test_a_damaged_memory_of_ports_is_passed_over(
    contents: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / f"lora-pipeline-ports-{os.getuid()}.json").write_text(contents)
    assert ports.free() != ports.free()


def test_no_port_is_given_twice(memory: Path) -> None:
    chosen = every_port(addresses.choose(memory, web=None))
    assert len(set(chosen)) == len(chosen)


def test_a_restart_keeps_the_ports(memory: Path) -> None:
    assert addresses.choose(memory, web=None) == addresses.choose(memory, web=None)


def test_a_port_taken_meanwhile_is_replaced_and_the_others_stay(memory: Path, occupied: int) -> None:
    before = addresses.choose(memory, web=None)
    memory.write_text(json.dumps({**json.loads(memory.read_text()), "broker": occupied}))
    after = addresses.choose(memory, web=None)
    assert after.broker != occupied
    assert (after.web, after.nodes, after.storage) == (before.web, before.nodes, before.storage)


def test_the_wanted_port_is_used_and_kept(memory: Path) -> None:
    wanted = ports.free()
    assert addresses.choose(memory, web=wanted).web == wanted
    assert addresses.choose(memory, web=None).web == wanted


def test_a_wanted_port_in_use_is_refused_by_name(memory: Path, occupied: int) -> None:
    with pytest.raises(PortTaken, match=f"Port {occupied} is in use: choose another with --port"):
        addresses.choose(memory, web=occupied)


def test_a_wanted_port_is_not_given_to_another_server(memory: Path) -> None:
    former = addresses.choose(memory, web=None)
    after = addresses.choose(memory, web=former.broker)
    assert after.broker != after.web == former.broker
