"""The embedded servers keep what they promise: signatures count, queued messages outlive a kill."""

import json
import os
import signal
from pathlib import Path

import pytest
import redis
import requests
from botocore.exceptions import ClientError

from lora_pipeline.devstack import addresses, broker, ports, programs, storage
from tests.servers import TestBuckets


@pytest.fixture
def signed_get(s3_server: TestBuckets) -> str:
    client = s3_server.server.client()
    bucket = s3_server.buckets["lora-datasets"]
    client.put_object(Bucket=bucket, Key="alice/chat.jsonl", Body=b"{}\n")
    return client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "alice/chat.jsonl"})


def test_a_signed_url_opens_the_object(signed_get: str) -> None:
    assert requests.get(signed_get, timeout=60).content == b"{}\n"


def test_an_altered_url_is_refused(signed_get: str) -> None:
    assert requests.get(signed_get.replace("alice", "bob"), timeout=60).status_code == 403


def test_an_anonymous_request_is_refused(signed_get: str) -> None:
    assert requests.get(signed_get.partition("?")[0], timeout=60).status_code == 403


def test_an_expired_url_is_refused(s3_server: TestBuckets, monkeypatch: pytest.MonkeyPatch) -> None:
    client = s3_server.server.client()
    bucket = s3_server.buckets["lora-datasets"]
    client.put_object(Bucket=bucket, Key="alice/chat.jsonl", Body=b"{}\n")
    # Valid for no time at all: over before it can be used.
    url = client.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "alice/chat.jsonl"}, ExpiresIn=-60
    )
    assert requests.get(url, timeout=60).status_code in {400, 403}


def test_a_key_with_another_secret_is_refused(s3_endpoint: storage.S3Server) -> None:
    stranger = storage.S3Server(s3_endpoint.endpoint_url, s3_endpoint.access_key_id, "guessed")
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        stranger.client().list_buckets()


def test_a_bucket_is_never_made_by_writing_to_it(s3_endpoint: storage.S3Server) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3_endpoint.client().put_object(Bucket="misspelt", Key="x", Body=b"")


def test_a_page_of_ours_may_upload_and_no_other(s3_server: TestBuckets) -> None:
    bucket = s3_server.buckets["lora-datasets"]
    storage.allow_browsers(s3_server.server, bucket=bucket, origins=["http://127.0.0.1:8000"])
    url = s3_server.server.client().generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a"})

    def preflight(origin: str) -> requests.Response:
        return requests.options(url, headers={"Origin": origin, "Access-Control-Request-Method": "PUT"}, timeout=60)

    assert preflight("http://127.0.0.1:8000").headers["Access-Control-Allow-Origin"] == "http://127.0.0.1:8000"
    assert "Access-Control-Allow-Origin" not in preflight("http://evil.example").headers


def test_queued_messages_outlive_a_kill_of_the_broker(tmp_path: Path) -> None:
    program = broker.program(port=ports.free(), folder=tmp_path)
    url = broker.url(int(program.command[2]))
    with programs.running(program, tmp_path / "log") as process, redis.Redis.from_url(url) as client:
        for number in range(21):
            client.rpush("control", f"task {number}")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with programs.running(program, tmp_path / "log"), redis.Redis.from_url(url) as client:
        assert client.llen("control") == 21


def test_stored_objects_outlive_restarts_on_the_same_and_on_other_ports(tmp_path: Path) -> None:
    def run(chosen: dict[str, int], key: str) -> list[bytes]:
        server = storage.server(port=chosen["s3"], access_key_id="stack", secret_access_key="secret")
        program = storage.program(chosen=chosen, folder=tmp_path, reached_as=server, buckets=["lora-models"])
        with programs.running(program, tmp_path / "log"):
            client = server.client()
            client.put_object(Bucket="lora-models", Key=key, Body=key.encode())
            keys = [entry["Key"] for entry in client.list_objects_v2(Bucket="lora-models")["Contents"]]
            return [client.get_object(Bucket="lora-models", Key=key)["Body"].read() for key in keys]

    first = storage.free_ports()
    assert run(first, "a") == [b"a"]
    assert run(first, "b") == [b"a", b"b"]
    assert run(storage.free_ports(), "c") == [b"a", b"b", b"c"]


def test_a_program_that_fails_to_start_says_why(tmp_path: Path) -> None:
    program = broker.program(port=ports.free(), folder=tmp_path)
    broken = programs.Program(
        name="broker",
        command=(program.command[0], "--no-such-option", "1"),
        environment=program.environment,
        folder=tmp_path,
        is_ready=program.is_ready,
    )
    with (
        pytest.raises(programs.NotReady, match=r"broker ended with exit code 1(.|\n)*no-such-option"),
        programs.running(broken, tmp_path / "log"),
    ):
        pass


def test_stopping_a_program_leaves_nothing_that_it_started(tmp_path: Path) -> None:
    line = tmp_path / "line"
    os.mkfifo(line)
    program = programs.Program(
        name="parent",
        command=("/bin/sh", "-c", f"exec 3>{line}; sleep 600 & wait"),
        environment={"PATH": os.environ["PATH"]},
        folder=tmp_path,
        is_ready=lambda: True,
    )
    with programs.running(program, tmp_path / "log"):
        other_end = line.open("rb")
    with other_end:
        assert other_end.read() == b""  # ends when the last process that holds the line is gone


def test_a_killed_s3_server_leaves_no_socket_once_its_ports_are_given_up(tmp_path: Path) -> None:
    chosen = storage.free_ports()
    memory = tmp_path / "ports.json"
    memory.write_text(json.dumps({"storage": chosen}))
    folder = tmp_path / ("deep" * 30)  # too deep for a socket beside the data
    server = storage.server(port=chosen["s3"], access_key_id="stack", secret_access_key="secret")
    program = storage.program(chosen=chosen, folder=folder, reached_as=server, buckets=[])
    process = programs.spawn(program, tmp_path / "log")
    programs.await_ready(program, process, tmp_path / "log")
    programs.signal_group(process.pid, signal.SIGKILL)
    process.wait()
    numbers = [number for port in chosen.values() for number in (port, port + storage.GRPC_OFFSET)]

    def left() -> list[Path]:
        return [path for number in numbers for path in Path("/tmp").glob(f"seaweedfs-*-{number}.sock")]  # noqa: S108

    assert left()
    addresses.forget(memory)
    assert not left()
