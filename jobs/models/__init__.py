"""Rows of the jobs app. `job` is the centre; `run` is what a job leaves behind; `catalog` is kept by operators;
`system` is what the control plane knows about clusters and itself."""

from jobs.models.catalog import BaseModel, GpuPrice
from jobs.models.job import JobAttempt, JobEvent, TrainingJob
from jobs.models.run import Checkpoint, CostRecord, JobLog, MetricsPoint, ModelArtifact
from jobs.models.system import Alert, Cluster, CycleRun, Installation

__all__ = [
    "Alert",
    "BaseModel",
    "Checkpoint",
    "Cluster",
    "CostRecord",
    "CycleRun",
    "GpuPrice",
    "Installation",
    "JobAttempt",
    "JobEvent",
    "JobLog",
    "MetricsPoint",
    "ModelArtifact",
    "TrainingJob",
]
