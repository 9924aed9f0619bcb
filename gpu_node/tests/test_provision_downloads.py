"""Files behind signed URLs: resumed, checked, asked for anew when a URL has expired."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest

from gpu_node.provision import downloads
from gpu_node.provisioning import ProvisionFailed
from gpu_node.spec import RemoteFile

CONTENT = bytes(range(256)) * 64
URL = "https://storage.example/model.safetensors"


class Storage:
    """A storage server's answers, with what it was asked."""

    def __init__(self) -> None:
        self.ranges: list[str | None] = []
        self.content = CONTENT
        self.refused: set[str] = set()
        self.breaks_after: list[int] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        asked = request.headers.get("range")
        self.ranges.append(asked)
        if str(request.url) in self.refused:
            return httpx.Response(403)
        begins = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        body = self.content[begins:]
        code = 206 if asked else 200
        breaks_after = self.breaks_after.pop(0) if self.breaks_after else None
        return httpx.Response(code, stream=_Body(body, breaks_after))


class _Body(httpx.AsyncByteStream):
    """A body that breaks off after so many bytes, if so told."""

    def __init__(self, body: bytes, breaks_after: int | None) -> None:
        self._body, self._breaks_after = body, breaks_after

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body[: self._breaks_after]
        if self._breaks_after is not None:
            raise httpx.ReadError("reset")


def fetch(
    storage: Storage, into: Path, file: RemoteFile, fresh: downloads.Fresh | None = None
) -> list[float]:
    """The progress that was told."""
    told: list[float] = []

    def follow(percent: float, path: str) -> None:
        told.append(percent)

    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(storage.answer)) as client:
            await downloads.fetch(client, [file], into, fresh=fresh, follow=follow)

    asyncio.run(run())
    return told


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Storage:
    monkeypatch.setattr(downloads, "FIRST_PAUSE_S", 0.0)
    return Storage()


def wanted(url: str = URL, sha256: str | None = hashlib.sha256(CONTENT).hexdigest()) -> RemoteFile:
    return RemoteFile("deep/model.safetensors", url, len(CONTENT), sha256)


def test_a_file_arrives_whole_with_its_progress(storage: Storage, tmp_path: Path) -> None:
    assert fetch(storage, tmp_path, wanted())[-1] == 100
    assert (tmp_path / "deep" / "model.safetensors").read_bytes() == CONTENT


def test_a_broken_transfer_goes_on_where_it_was(storage: Storage, tmp_path: Path) -> None:
    storage.breaks_after = [1000, 500]
    fetch(storage, tmp_path, wanted())
    assert (tmp_path / "deep" / "model.safetensors").read_bytes() == CONTENT
    assert storage.ranges[0] is None
    assert None not in storage.ranges[1:]


def test_what_is_there_is_not_fetched_again(storage: Storage, tmp_path: Path) -> None:
    fetch(storage, tmp_path, wanted())
    fetch(storage, tmp_path, wanted())
    assert len(storage.ranges) == 1


def test_an_expired_url_is_replaced(storage: Storage, tmp_path: Path) -> None:
    storage.refused = {URL}

    async def fresh() -> Sequence[RemoteFile]:
        return [wanted(f"{URL}?fresh")]

    fetch(storage, tmp_path, wanted(), fresh)
    assert (tmp_path / "deep" / "model.safetensors").read_bytes() == CONTENT


def test_without_fresh_urls_a_refusal_is_told(storage: Storage, tmp_path: Path) -> None:
    storage.refused = {URL}
    with pytest.raises(ProvisionFailed, match=r"deep/model.safetensors .* answered 403"):
        fetch(storage, tmp_path, wanted())


def test_another_content_than_announced_is_refused(storage: Storage, tmp_path: Path) -> None:
    storage.content = bytes(len(CONTENT))
    with pytest.raises(ProvisionFailed, match="its sha256 is"):
        fetch(storage, tmp_path, wanted())
    assert not (tmp_path / "deep" / "model.safetensors").exists()
