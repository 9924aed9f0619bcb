"""Real processes and sockets for the tests: a node, and a control plane's side that it talks to."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

SOURCE = Path(__file__).parent.parent / "src"
PRETENDED = Path(__file__).parent / "pretend_trainer"
KEY = "key-of-the-tests"
PATIENCE_S = 60
"""How long a busy machine may take; nobody waits for it where all goes well."""


class NodeProcess:
    """A gpu_node in a process of its own; a context manager that leaves none behind."""

    def __init__(self, state_dir: Path, *options: str, faults: bool = True, simulated: bool = True) -> None:
        self.state_dir = state_dir
        arguments = [sys.executable, "-m", "gpu_node", "--state-dir", str(state_dir), *options]
        if simulated:
            arguments += ["--simulated", *(["--faults"] if faults else [])]
        else:
            arguments += ["--trainer", str(PRETENDED), "--gpu", "CPU:1"]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "GPU_NODE_API_KEY": KEY}
        self.process = subprocess.Popen(
            arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        ready = self.process.stdout.readline()
        if not ready:
            raise AssertionError(f"the node did not start: {self.process.communicate()[1]}")
        self.url = ready.rsplit(" ", 1)[1].strip()
        self.client = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {KEY}"}, timeout=PATIENCE_S, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self, *, kill: bool = False) -> str:
        """Ends the process and returns what it logged."""
        self.client.close()
        if self.process.poll() is None:
            (self.process.kill if kill else self.process.terminate)()
        return self.process.communicate(timeout=PATIENCE_S)[1]

    def get(self, path: str, **options: Any) -> Any:
        answer = self.client.get(path, **options)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    def called(self, method: str, path: str) -> socket.socket:
        """A connection on which this was asked, for answers that httpx would not wait for."""
        host, port = self.url.removeprefix("http://").split(":")
        connection = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
        request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n\r\n"
        connection.sendall(request.encode())
        return connection

    def submit(self, order: dict[str, Any], *, key: bool = True) -> httpx.Response:
        headers = {"Idempotency-Key": f"{order['job_id']}:{order.get('attempt', 1)}"} if key else {}
        return self.client.post("/training/submit", json=order, headers=headers)

    def start(self, order: dict[str, Any]) -> str:
        """Submits and returns the external id."""
        answer = self.submit(order)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["external_job_id"])

    def status(self, external_id: str) -> dict[str, Any]:
        status = self.get(f"/training/status/{external_id}")
        assert isinstance(status, dict)
        return status

    def wait(self, external_id: str, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Asks until the status is as wanted; each answer is also checked against the last one."""
        deadline = time.monotonic() + PATIENCE_S
        last: dict[str, Any] = {}
        while time.monotonic() < deadline:
            status = self.status(external_id)
            assert status.get("state_seq", 0) >= last.get("state_seq", 0)
            if reached(status):
                return status
            last = status
            time.sleep(0.01)
        raise AssertionError(f"not reached: {last}")

    def wait_for(self, external_id: str, *states: str) -> dict[str, Any]:
        return self.wait(external_id, lambda status: status["status"] in states)

    def wait_for_step(self, external_id: str, step: int) -> dict[str, Any]:
        return self.wait(external_id, lambda status: status["current_step"] >= step)

    def fault(self, **rule: Any) -> int:
        answer = self.client.post("/faults", json=rule)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["number"])

    def wait_until_struck(self) -> None:
        """Waits until some rule has hit a call."""
        self.wait_until(lambda: any(rule["hits"] for rule in self.get("/faults")["faults"]))

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Asks until it is so."""
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline, "it never came to be so"
            time.sleep(0.01)


class Outside:
    """Storage and control plane in one small server: datasets, upload URLs, events."""

    def __init__(self) -> None:
        self.datasets: dict[str, bytes] = {}
        self.uploads: dict[str, bytes] = {}
        self.upload_headers: dict[str, str] = {}
        self.ticket_changes: dict[str, Any] = {}
        self.events: list[tuple[bytes, dict[str, str]]] = []
        self.tokens: set[str | None] = set()
        self.answers: dict[str, list[int]] = {}
        """Path prefix -> codes to answer the next calls with instead of what was asked for."""
        self.calls: list[str] = []
        self.fresh_files: list[dict[str, Any]] = []
        """What /checkpoint and /base-model answer: the files with fresh URLs."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.callback_url = f"{self.url}/callback"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def refusal(self, method: str, path: str) -> int | None:
        self.calls.append(f"{method} {path}")
        for prefix, codes in self.answers.items():
            if path.startswith(prefix) and codes:
                return codes.pop(0)
        return None

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """What the other side says to one request."""
        if (code := self.refusal(method, path)) is not None:
            return code, b"{}"
        if path.startswith("/data/"):
            content = self.datasets.get(path)
            return (404, b"") if content is None else (200, content)
        if path.startswith("/bucket/") and method == "PUT":
            self.uploads[path] = body
            self.upload_headers = headers
            return 200, b""
        self.tokens.add(headers.get("authorization"))
        if path == "/callback/events":
            self.events.append((body, headers))
            return 200, b'{"success": true, "data": {}}'
        if path == "/callback/uploads":
            files = [
                {
                    "path": file["path"],
                    "method": "PUT",
                    "url": f"{self.url}/bucket/{file['path']}",
                    "headers": {"x-checked": file["sha256"]},
                    "expires_at": "2030-01-01T00:00:00Z",
                }
                | self.ticket_changes
                for file in json.loads(body)["files"]
            ]
            return 200, json.dumps({"success": True, "data": {"files": files}}).encode()
        if path == "/callback/dataset":
            data = {"url": f"{self.url}/data/fresh", "validation_url": f"{self.url}/data/fresh-validation"}
            return 200, json.dumps({"success": True, "data": data}).encode()
        if path in {"/callback/checkpoint", "/callback/base-model"}:
            return 200, json.dumps({"files": self.fresh_files}).encode()
        return 404, b"{}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outside = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                length = self.headers.get("content-length")
                body = self.rfile.read(int(length)) if length else b""
                headers = {name.lower(): value for name, value in self.headers.items()}
                code, content = outside.answer(self.command, self.path, headers, body)
                self.send_response(code)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_POST = handle_any

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        return Handler
