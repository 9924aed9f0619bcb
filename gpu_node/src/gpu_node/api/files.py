"""The files of a run: listed with their hashes, downloaded through signed links."""

from collections.abc import AsyncIterator
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from gpu_node.api.answers import checkpoint_entry
from gpu_node.api.desk import desk_of
from gpu_node.checkpoints import resumable
from gpu_node.problems import Problem

CHUNK = 1 << 16


async def artifacts(request: Request) -> JSONResponse:
    """Every file with a download link, or url null where it was brought to the control plane's bucket.

    `complete` is false until nothing will be added and no file is on its way any more.
    """
    desk = desk_of(request)
    job = desk.job(request.path_params["external_id"])
    listed = [
        {
            "path": file.path,
            "size": file.size,
            "sha256": file.sha256,
            "url": desk.file_url(job, file, request),
        }
        for file in desk.files(job)
    ]
    return JSONResponse({"files": listed, "complete": job.ended})


async def checkpoints(request: Request) -> JSONResponse:
    """Every checkpoint that a resume could use, oldest first; url is null for a file in the bucket."""
    desk = desk_of(request)
    job = desk.job(request.path_params["external_id"])
    listed = []
    for each in resumable(desk.node.executor, job):
        pairs = zip(each.files, each.produced(), strict=True)
        urls = {file.path: desk.file_url(job, produced, request) for file, produced in pairs}
        listed.append(checkpoint_entry(each, urls))
    return JSONResponse({"checkpoints": listed})


async def download(request: Request) -> Response:
    desk = desk_of(request)
    external_id, path = request.path_params["external_id"], request.path_params["path"]
    query = request.query_params
    if not desk.links.allows(external_id, path, query.get("expires", ""), query.get("signature", "")):
        detail = "The link has expired or was changed; ask for a new one."
        raise Problem(403, "link_refused", "Link refused", detail)
    job = desk.job(external_id)
    offered = [*desk.files(job)]
    offered += [file for each in resumable(desk.node.executor, job) for file in each.produced()]
    file = next((file for file in offered if file.path == path), None)
    try:
        content = desk.node.executor.open(external_id, path) if file else None
    except KeyError:
        content = None
    if file is None or content is None:
        raise Problem(404, "unknown_file", "Unknown file", f"{external_id} has no file {path}.")
    return StreamingResponse(
        _chunks(content),
        headers={"Content-Length": str(file.size), "ETag": f'"{file.sha256}"'},
        media_type="application/octet-stream",
    )


async def _chunks(source: BinaryIO) -> AsyncIterator[bytes]:
    with source:
        while chunk := source.read(CHUNK):
            yield chunk
