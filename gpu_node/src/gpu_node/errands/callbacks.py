"""What the node asks of the control plane, with the bearer token that came with the job.

`{callback_url}/uploads`, `/dataset`, `/checkpoint`, `/base-model` and `/events`. Answers may be wrapped in
{"success": true, "data": ...}.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from gpu_node.executor import ProducedFile
from gpu_node.orders import read_files
from gpu_node.spec import InvalidOrder, JobSpec, RemoteFile

DEFINITE = {400, 401, 403, 404, 405, 410, 413, 422, 501}


class CallbackError(Exception):
    """The control plane did not do what it was asked; `definite` when asking again is no use."""

    def __init__(self, message: str, *, definite: bool) -> None:
        super().__init__(message)
        self.definite = definite


@dataclass(frozen=True)
class UploadTicket:
    """A signed URL that takes one file."""

    path: str
    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Callbacks:
    """Calls back to the control plane of a job."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def dataset_url(self, spec: JobSpec) -> str:
        """A new signed URL for the job's dataset."""
        return await self._fresh_url(spec, "url")

    async def validation_url(self, spec: JobSpec) -> str:
        """A new signed URL for the job's validation file."""
        return await self._fresh_url(spec, "validation_url")

    async def checkpoint_files(self, spec: JobSpec) -> tuple[RemoteFile, ...]:
        """New signed URLs for the checkpoint that the job goes on from."""
        return await self._fresh_files(spec, "checkpoint")

    async def model_files(self, spec: JobSpec) -> tuple[RemoteFile, ...]:
        """New signed URLs for the files of the job's base model."""
        return await self._fresh_files(spec, "base-model")

    async def upload_tickets(self, spec: JobSpec, files: Sequence[ProducedFile]) -> dict[str, UploadTicket]:
        """Path -> where to put that file, for every file asked for."""
        wanted = [{"path": file.path, "size": file.size, "sha256": file.sha256} for file in files]
        data = await self._ask(spec, "POST", "uploads", {"files": wanted})
        listed = data.get("files") if isinstance(data, dict) else data
        try:
            tickets = {
                entry["path"]: UploadTicket(
                    entry["path"], entry.get("method") or "PUT", entry["url"], entry.get("headers") or {}
                )
                for entry in listed or []
            }
        except (TypeError, KeyError, AttributeError) as error:
            raise CallbackError("The answer of /uploads cannot be read.", definite=True) from error
        if missing := [file.path for file in files if file.path not in tickets]:
            raise CallbackError(f"No upload URL was given for {', '.join(missing)}.", definite=True)
        return tickets

    async def tell(self, spec: JobSpec, event: Mapping[str, object]) -> None:
        """Hands over a hint, signed with the job's token."""
        await self._ask(spec, "POST", "events", event)

    async def _fresh_url(self, spec: JobSpec, name: str) -> str:
        data = await self._ask(spec, "GET", "dataset")
        url = data.get(name) if isinstance(data, dict) else None
        if not isinstance(url, str):
            raise CallbackError(f"The answer of /dataset has no {name}.", definite=True)
        return url

    async def _fresh_files(self, spec: JobSpec, door: str) -> tuple[RemoteFile, ...]:
        try:
            return read_files(await self._ask(spec, "GET", door))
        except InvalidOrder as error:
            raise CallbackError(f"The answer of /{door} cannot be read: {error}", definite=True) from error

    async def _ask(
        self, spec: JobSpec, method: str, door: str, body: Mapping[str, object] | None = None
    ) -> Any:
        token = spec.callback_token or ""
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}"}
        if body is not None:
            signature = hmac.new(token.encode(), content, hashlib.sha256).hexdigest()
            headers |= {"Content-Type": "application/json", "X-Signature": f"sha256={signature}"}
        url = f"{(spec.callback_url or '').rstrip('/')}/{door}"
        try:
            answer = await self._client.request(method, url, content=content, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CallbackError(
                f"/{door} cannot be reached: {type(error).__name__}", definite=False
            ) from error
        if not answer.is_success:
            definite = answer.status_code in DEFINITE
            raise CallbackError(f"/{door} answered {answer.status_code}", definite=definite)
        try:
            decoded = answer.json() if answer.content else {}
        except ValueError as error:
            raise CallbackError(f"/{door} answered without JSON", definite=False) from error
        return decoded["data"] if isinstance(decoded, dict) and "data" in decoded else decoded
