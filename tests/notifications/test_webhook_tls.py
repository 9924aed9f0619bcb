"""HTTPS to an address in numbers: the certificate still has to be the name's own."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from notifications.channels.webhook import Message, send
from tests.notifications.test_targets import Resolver

NAME = "hooks.example.com"


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


class Quiet(HTTPServer):
    def handle_error(self, *args: object) -> None:
        """Callers that refuse our certificate hang up: that is what is tested."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of NAME with its key in one file, signed by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    both, key = folder / "both.pem", folder / "key.pem"
    subject = ("-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}")
    files = ("-keyout", str(key), "-out", str(both))
    make = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    subprocess.run([*make, *subject, *files], check=True, capture_output=True)
    both.write_text(both.read_text() + key.read_text())
    return both


@pytest.fixture
def asked_for() -> list[str | None]:
    """The names that callers said in their TLS greeting."""
    return []


@pytest.fixture
def port(certificate: Path, asked_for: list[str | None], monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A receiver at 127.0.0.1, which every name resolves to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda connection, name, _: asked_for.append(name)
    server = Quiet(("127.0.0.1", 0), Receiver)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(["127.0.0.1"]))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def message(host: str, port: int) -> Message:
    return Message(url=f"https://{host}:{port}/", id="m", at=1, body=b"{}", secrets=())


def test_the_name_is_greeted_and_its_certificate_accepted(
    port: int, certificate: Path, asked_for: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    outcome = send(message(NAME, port), allow_private=True)
    assert outcome.ok, outcome.error
    assert asked_for == [NAME]


def test_another_names_certificate_is_not_accepted(
    port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    outcome = send(message("other.example.com", port), allow_private=True)
    assert not outcome.ok
    assert "certificate is not accepted" in outcome.error


def test_an_authority_that_nobody_knows_is_not_accepted(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    outcome = send(message(NAME, port), allow_private=True)
    assert not outcome.ok
    assert "certificate is not accepted" in outcome.error
