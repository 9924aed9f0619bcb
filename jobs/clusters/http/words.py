"""What a cluster says about a fault, whichever framework it is written with. Pure."""

from jobs.clusters.http import reading
from jobs.clusters.http.answer import Answer


def words(answer: Answer) -> tuple[str, str]:
    """What the cluster says about a fault, in one cleaned line, and its code; empty where it says nothing."""
    try:
        body = reading.parse(answer.body)
    except ValueError:
        is_text = answer.header("Content-Type").startswith("text/plain")
        return (reading.text(answer.body.decode(errors="replace"), longest=300) or "" if is_text else ""), ""
    problem = reading.mapping(body)
    problem = reading.mapping(problem.get("error")) or problem
    code = reading.text(problem.get("code"), longest=64) or ""
    if code.startswith("http_"):
        code = ""  # a framework's way of repeating the status
    parts = [reading.text(problem.get(name)) for name in ("title", "message", "error")]
    parts += [_detail(problem.get("detail")), _detail(problem.get("errors"))]
    return ": ".join(dict.fromkeys(part.rstrip(".") for part in parts if part)), code


def _detail(detail: object) -> str | None:
    """A text, or a list of {loc | field, msg | message}; what such lists quote of our input is left out."""
    if not isinstance(detail, list):
        return reading.text(detail)
    lines = []
    for entry in map(reading.mapping, detail[:5]):
        where = entry.get("loc", entry.get("field"))
        name = ".".join(str(part) for part in where if part != "body") if isinstance(where, list) else where
        lines.append(f"{reading.text(name) or ''} {reading.text(entry.get('msg', entry.get('message'))) or ''}".strip())
    return reading.text("; ".join(line for line in lines if line))
