"""What the demo trains: two jobs, of a size that fits the cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lora_pipeline.devstack import demo_catalog
from lora_pipeline.devstack.demo_data import DataSet, http_desk, shell_desk


@dataclass(frozen=True)
class Plan:
    """One leg: which data set, which preset with which changes, on which GPUs."""

    data_set: DataSet
    imported: bool
    preset: str
    gpu_type: str
    gpu_count: int
    hyperparameters: Mapping[str, object] = field(default_factory=dict)


# On the processor: minutes for the first, whose answers change for all to see, and some steps for the second.
ON_THIS_MACHINE = (
    Plan(shell_desk(), imported=False, preset="recommended", gpu_type=demo_catalog.GPU_TYPE, gpu_count=1),
    Plan(
        http_desk(),
        imported=True,
        preset="recommended",
        gpu_type=demo_catalog.GPU_TYPE,
        gpu_count=1,
        hyperparameters={"max_steps": 10},
    ),
)
# Where training is simulated, or on a cluster of one's own.
ON_A_CLUSTER = (
    Plan(shell_desk(), imported=False, preset="recommended", gpu_type="H100-80GB", gpu_count=1),
    Plan(http_desk(), imported=True, preset="quality", gpu_type="A100-80GB", gpu_count=2),
)
