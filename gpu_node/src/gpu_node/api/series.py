"""Metric points and log lines after a cursor."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from gpu_node.api.answers import lines_answer, points_answer
from gpu_node.api.bodies import read_whole
from gpu_node.api.desk import desk_of
from gpu_node.executor import LogLine, Page, Point

DEFAULT_LIMIT = 1000
MOST = 5000


async def metrics(request: Request) -> JSONResponse:
    desk = desk_of(request)
    job = desk.job(request.path_params["external_id"])
    after, limit = _window(request)
    page = Page[Point]([], after, has_more=False)
    if desk.node.has_run(job):
        page = desk.node.executor.points(job.external_id, desk.node.clock.now(), after=after, limit=limit)
    return JSONResponse(points_answer(page))


async def logs(request: Request) -> JSONResponse:
    desk = desk_of(request)
    job = desk.job(request.path_params["external_id"])
    after, limit = _window(request)
    page = Page[LogLine]([], after, has_more=False)
    if desk.node.has_run(job):
        page = desk.node.executor.lines(job.external_id, desk.node.clock.now(), after=after, limit=limit)
    return JSONResponse(lines_answer(page))


def _window(request: Request) -> tuple[int, int]:
    query = request.query_params
    after = read_whole(query.get("after"), "after", default=0)
    return after, read_whole(query.get("limit"), "limit", default=DEFAULT_LIMIT, least=1, most=MOST)
