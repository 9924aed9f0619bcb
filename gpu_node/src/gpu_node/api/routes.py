"""Which URL is what. At level 1 the URLs of level 2 do not exist."""

from starlette.routing import Route

from gpu_node.api import cancel, capabilities, files, series, status
from gpu_node.api.submit import Reception
from gpu_node.settings import Level

JOB = "{external_id}"


def routes(level: Level, reception: Reception) -> list[Route]:
    """The routes of one level; each is named as the fault door calls it."""
    level_1 = [
        Route("/training/submit", reception.submit, methods=["POST"], name="submit"),
        Route(f"/training/status/{JOB}", status.one, methods=["GET"], name="status"),
        Route(f"/training/cancel/{JOB}", cancel.cancel, methods=["POST"], name="cancel"),
        Route(f"/files/{JOB}/{{path:path}}", files.download, methods=["GET"], name="download"),
        Route("/health", capabilities.health, methods=["GET"], name="health"),
    ]
    level_2 = [
        Route("/training/capabilities", capabilities.capabilities, methods=["GET"], name="capabilities"),
        Route("/training/status", status.batch, methods=["POST"], name="batch"),
        Route("/training/jobs", status.lookup, methods=["GET"], name="lookup"),
        Route(f"/training/metrics/{JOB}", series.metrics, methods=["GET"], name="metrics"),
        Route(f"/training/logs/{JOB}", series.logs, methods=["GET"], name="logs"),
        Route(f"/training/artifacts/{JOB}", files.artifacts, methods=["GET"], name="artifacts"),
        Route(f"/training/checkpoints/{JOB}", files.checkpoints, methods=["GET"], name="checkpoints"),
    ]
    return level_1 if level == 1 else level_1 + level_2
