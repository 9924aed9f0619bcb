"""How jobs are: one, many with their new points, or those that match."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from gpu_node.api.answers import lookup_entry, points_answer
from gpu_node.api.bodies import invalid_field, read_object, read_whole
from gpu_node.api.desk import desk_of
from gpu_node.book import UnknownJob
from gpu_node.executor import Page, Point
from gpu_node.jobs import Status

MOST_JOBS = 200
POINTS_PER_JOB = 500
POINTS_PER_ANSWER = 10_000
LOOKUP_PAGE = 200


async def one(request: Request) -> JSONResponse:
    desk = desk_of(request)
    job = desk.job(request.path_params["external_id"])
    return JSONResponse(desk.status(job, request))


async def batch(request: Request) -> JSONResponse:
    """State and new points of up to 200 jobs. Points are limited per job and in all; `has_more` tells."""
    desk = desk_of(request)
    entries = (await read_object(request)).get("jobs")
    if not isinstance(entries, list) or len(entries) > MOST_JOBS:
        raise invalid_field("jobs", f"must be a list of at most {MOST_JOBS} entries {{id, after}}")
    jobs, missing, left = [], [], POINTS_PER_ANSWER
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
            raise invalid_field(f"jobs[{index}].id", "must be a text")
        after = read_whole(entry.get("after"), f"jobs[{index}].after", default=0)
        try:
            job = desk.node.get(entry["id"])
        except UnknownJob:
            missing.append(entry["id"])
            continue
        page = Page[Point]([], after, has_more=False)
        if desk.node.has_run(job):
            now, limit = desk.node.clock.now(), min(left, POINTS_PER_JOB)
            page = desk.node.executor.points(job.external_id, now, after=after, limit=limit)
        left -= len(page.items)
        jobs.append(desk.status(job, request) | points_answer(page))
    return JSONResponse({"jobs": jobs, "missing": missing})


async def lookup(request: Request) -> JSONResponse:
    """Jobs by `job_id`, by `state` (active or a status) or both; paged by `after`, filtered before paging."""
    desk, query = desk_of(request), request.query_params
    job_id, state = query.get("job_id"), query.get("state")
    if job_id is None and state is None:
        raise invalid_field("job_id", "give job_id or state")
    if state is not None and state != "active" and state not in set(Status):
        raise invalid_field("state", f"must be active or one of {', '.join(Status)}")
    found, has_more = desk.node.find(
        job_id=job_id,
        active=state == "active",
        status=None if state == "active" else state,
        after=read_whole(query.get("after"), "after", default=0),
        limit=read_whole(query.get("limit"), "limit", default=LOOKUP_PAGE, least=1, most=LOOKUP_PAGE),
    )
    answer: dict[str, Any] = {
        "jobs": [lookup_entry(job, desk.status(job, request)) for job in found],
        "next": found[-1].number if found else read_whole(query.get("after"), "after", default=0),
        "has_more": has_more,
    }
    return JSONResponse(answer)
