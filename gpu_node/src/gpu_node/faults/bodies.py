"""An answer's JSON gone wrong: states, points, clocks and numbers. Pure.

Anywhere in a patch {"$raw": "NaN"} stands for that bare token in the JSON text: NaN, Infinity, 1e400, a
number of a thousand digits.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from gpu_node.faults.rules import Effect, Rule

Json = Any
LISTS = ("jobs", "points", "lines", "missing")
_RAW = re.compile(r'"@raw:((?:[^"\\]|\\.)*)@"')


def spoil(body: Json, rule: Rule) -> Json:
    """The body as the rule's effect leaves it; entries of other jobs stay as they are."""
    effect = rule.effect
    if effect.forget:
        body = _forget(body, rule)
    body = _each_job(body, rule, lambda job: _spoil_job(job, effect))
    if effect.clock_offset_s is not None:
        body = _shift_clock(body, timedelta(seconds=effect.clock_offset_s))
    return body


def to_text(body: Json) -> str:
    """JSON text in which {"$raw": token} became the bare token."""
    return _RAW.sub(lambda found: str(json.loads(f'"{found.group(1)}"')), json.dumps(_mark_raw(body)))


def _each_job(body: Json, rule: Rule, change: Callable[[dict[str, Json]], Json]) -> Json:
    if isinstance(body, dict) and isinstance(body.get("jobs"), list):
        jobs = [change(job) if rule.concerns(_ids(job)) else job for job in body["jobs"]]
        return body | {"jobs": jobs}
    return change(body) if isinstance(body, dict) else body


def _spoil_job(job: dict[str, Json], effect: Effect) -> Json:
    if effect.points is not None and isinstance(job.get("points"), list):
        job = job | {"points": _spoil_points(job["points"], effect.points)}
    if effect.patch is not None:
        job = _merge(job, effect.patch)
    if effect.envelope is not None:
        payload = _merge(job, effect.envelope.get("patch", {}))
        outer = {"id": job.get("external_job_id"), "status": effect.envelope.get("status", "completed")}
        job = outer | {effect.envelope.get("payload", "output"): payload}
    return job


def _spoil_points(points: list[dict[str, Json]], wish: Mapping[str, Json]) -> list[dict[str, Json]]:
    """`order`: duplicate, reverse or shuffle (fixed: odd places first); `fall_steps`: the later half falls
    back by so many steps, under a higher restart with `bump_restart`; `values` overrides, `drop` removes."""
    half = len(points) // 2
    if fall := wish.get("fall_steps"):
        fallen = [
            point
            | {
                "step": max(1, point["step"] - fall),
                "restart": point["restart"] + bool(wish.get("bump_restart")),
            }
            for point in points[half:]
        ]
        points = points[:half] + fallen
    if "values" in wish or "drop" in wish:
        gone = set(wish.get("drop", ()))
        points = [
            point
            | {
                "values": {
                    k: v for k, v in (point["values"] | wish.get("values", {})).items() if k not in gone
                }
            }
            for point in points
        ]
    match wish.get("order"):
        case "duplicate":
            points = [point for point in points for _ in range(2)]
        case "reverse":
            points = points[::-1]
        case "shuffle":
            points = points[1::2] + points[::2]
    return points


def _forget(body: Json, rule: Rule) -> Json:
    """Takes the job out of a list; in a batch its id is missing then."""
    if not isinstance(body, dict) or not isinstance(body.get("jobs"), list):
        return body
    gone = [job for job in body["jobs"] if rule.concerns(_ids(job))]
    body = body | {"jobs": [job for job in body["jobs"] if job not in gone]}
    if "missing" in body:
        body["missing"] = body["missing"] + [job["external_job_id"] for job in gone]
    return body


def _merge(target: Json, patch: Json) -> Json:
    """`patch` laid over `target`, objects merged into objects."""
    if not isinstance(target, dict) or not isinstance(patch, dict) or "$raw" in patch:
        return patch
    return target | {key: _merge(target.get(key), value) for key, value in patch.items()}


def _shift_clock(value: Json, offset: timedelta, name: str = "") -> Json:
    if isinstance(value, dict):
        return {key: _shift_clock(each, offset, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_shift_clock(each, offset, name) for each in value]
    if isinstance(value, str) and (name == "at" or name.endswith("_at")):
        moment = datetime.fromisoformat(value) + offset
        return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def _mark_raw(value: Json) -> Json:
    if isinstance(value, dict):
        if set(value) == {"$raw"}:
            return f"@raw:{value['$raw']}@"
        return {key: _mark_raw(each) for key, each in value.items()}
    return [_mark_raw(each) for each in value] if isinstance(value, list) else value


def _ids(job: Mapping[str, Json]) -> set[str]:
    return {str(job.get("external_job_id")), str(job.get("job_id"))}
