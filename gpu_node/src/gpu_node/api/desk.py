"""What every endpoint works with: the node, its level, and how a job is shown."""

from dataclasses import dataclass
from typing import Any, cast

from starlette.requests import Request

from gpu_node.api.answers import level_1_status, level_2_status
from gpu_node.book import UnknownJob
from gpu_node.checkpoints import resumable
from gpu_node.executor import ProducedFile
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
        provisioning = self.node.provisioning(job)
        simulated = self.node.executor.simulated
        if self.level == 2:
            checkpoints = len(resumable(self.node.executor, job))
            return level_2_status(job, sight, provisioning, now, simulated=simulated, checkpoints=checkpoints)
        status = level_1_status(job, sight, provisioning, simulated=simulated)
        if job.status is Status.COMPLETED:
            urls = {file.path: self.file_url(job, file, request) for file in self.files(job)}
            status["model_files"] = {path: url for path, url in urls.items() if url}
        return status

    def files(self, job: Job) -> tuple[ProducedFile, ...]:
        """What the job's run left behind; empty while it runs."""
        now = self.node.clock.now()
        return self.node.executor.files(job.external_id, now) if self.node.has_run(job) else ()

    def file_url(self, job: Job, file: ProducedFile, request: Request) -> str | None:
        """A download link, None for a file that was brought to the control plane's bucket."""
        of_checkpoint = file.path.startswith("checkpoints/")
        sent = any(file.path.startswith(f"{path}/") for path in job.checkpoints_sent)
        if sent if of_checkpoint else job.delivered:
            return None
        base = self.public_url or str(request.base_url).rstrip("/")
        return self.links.sign(base, job.external_id, file.path)


def desk_of(request: Request) -> Desk:
    return cast(Desk, request.app.state.desk)
