"""What every endpoint works with: the node, its level, and how a job is shown."""

from dataclasses import dataclass
from typing import Any, cast

from starlette.requests import Request

from gpu_node.api.answers import level_1_status, level_2_status
from gpu_node.book import UnknownJob
from gpu_node.jobs import Job, Status
from gpu_node.links import Links
from gpu_node.node import Node
from gpu_node.problems import no_such_job
from gpu_node.settings import Level


@dataclass(frozen=True)
class Desk:
    """Hangs on `app.state.desk`; `public_url` is None when links are made from the request's own host."""

    node: Node
    links: Links
    level: Level
    public_url: str | None

    def job(self, external_id: str) -> Job:
        """The job, or the 404 problem."""
        try:
            return self.node.get(external_id)
        except UnknownJob as error:
            raise no_such_job(external_id) from error

    def status(self, job: Job, request: Request) -> dict[str, Any]:
        """The job's status at this desk's level."""
        now = self.node.clock.now()
        sight = self.node.sight(job, now)
        simulated = self.node.executor.simulated
        if self.level == 2:
            return level_2_status(job, sight, now, simulated=simulated)
        status = level_1_status(job, sight, simulated=simulated)
        if job.status is Status.COMPLETED:
            status["model_files"] = {name: url for name, url in self.file_urls(job, request).items() if url}
        return status

    def file_urls(self, job: Job, request: Request) -> dict[str, str | None]:
        """Path -> download link, None for a file that was brought to the control plane's bucket."""
        base = self.public_url or str(request.base_url).rstrip("/")
        files = self.node.executor.files(job.external_id, self.node.clock.now()) if job.inputs else ()
        return {
            file.path: None if job.delivered else self.links.sign(base, job.external_id, file.path)
            for file in files
        }


def desk_of(request: Request) -> Desk:
    return cast(Desk, request.app.state.desk)
