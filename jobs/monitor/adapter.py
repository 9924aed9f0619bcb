"""What a run produced, and the lines that put it to use."""

import shlex
from dataclasses import dataclass

from jobs.models import TrainingJob

# The ranks that vLLM makes room for; 16 unless told otherwise, and an adapter above it is refused.
_VLLM_RANKS = (16, 32, 64, 128, 256, 320, 512)


@dataclass(frozen=True)
class Usage:
    """Lines to copy: into Python, into the shell of a serving machine, into the shell beside this checkout."""

    folder: str
    peft: str
    vllm: str
    compare: str


def usage(job: TrainingJob) -> Usage:
    """How the job's adapter is used once its archive is unpacked where one stands."""
    base = shlex.quote(job.base_model.name)
    folder = f"job-{job.short_id}-adapter"
    rank = int(job.hyperparameters.get("rank", _VLLM_RANKS[0]))
    room = next((size for size in _VLLM_RANKS if size >= rank), rank)
    return Usage(
        folder=folder,
        peft="\n".join(
            (
                "from peft import AutoPeftModelForCausalLM",
                "from transformers import AutoTokenizer",
                f'model = AutoPeftModelForCausalLM.from_pretrained("./{folder}")',
                f'tokenizer = AutoTokenizer.from_pretrained("./{folder}")',
            )
        ),
        vllm=f"vllm serve {base} --enable-lora --max-lora-rank {room} --lora-modules adapter=./{folder}",
        compare=f'bin/trainer compare --base {base} --adapter ./{folder} "your prompt"',
    )
