"""What a job needs of a GPU's memory: the published formula, against models and figures that are known."""

import pytest
from django.core.exceptions import ValidationError

from jobs import hardware, memory
from jobs.models import BaseModel

LLAMA_8B = memory.Architecture(32, 4096, 14_336, 1024, 128_256)
LLAMA_70B = memory.Architecture(80, 8192, 28_672, 1024, 128_256)
QWEN_7B = memory.Architecture(28, 3584, 18_944, 512, 152_064)
WEIGHTS = {LLAMA_8B: 8_030_261_248, LLAMA_70B: 70_553_706_496, QWEN_7B: 7_615_616_512}
SETTINGS = {"batch_size": 1, "rank": 16, "target_modules": "all-linear", "quantization": "none"}


def gib(model: memory.Architecture, longest: int = 2048, **changes: object) -> memory.Need:
    return memory.needed(
        model, parameters=WEIGHTS[model], hyperparameters={**SETTINGS, **changes}, longest=longest, rows=1000
    )


@pytest.mark.django_db
@pytest.mark.parametrize("tied", [("SmolLM2", 1), ("Qwen2.5-0.5B", 1), ("Qwen2.5-7B", 2), ("Mistral", 2), ("Llama", 2)])
def test_the_shapes_in_the_catalog_add_up_to_the_published_number_of_weights(tied: tuple[str, int]) -> None:
    name, embeddings = tied
    row = BaseModel.objects.get(name__contains=name)
    shape = memory.architecture(row.architecture)
    assert shape is not None
    counted = shape.linear_weights + embeddings * shape.vocab_size * shape.hidden_size
    assert counted == pytest.approx(row.parameters, rel=1e-3)


def test_an_adapter_has_rank_times_inputs_and_outputs_of_each_layer() -> None:
    """As peft counts them: 41,943,040 for Llama 8B at rank 16 on all linear layers."""
    assert LLAMA_8B.adapter_weights(16, "all-linear") == 41_943_040
    assert LLAMA_8B.adapter_weights(16, "attention") == 13_631_488
    assert LLAMA_8B.adapter_weights(32, "attention") == 2 * 13_631_488


@pytest.mark.parametrize(
    ("model", "quantization", "known"),
    [(LLAMA_8B, "none", 18.5), (LLAMA_8B, "nf4", 9), (LLAMA_70B, "none", 145), (LLAMA_70B, "nf4", 49)],
)
def test_it_agrees_with_what_such_trainings_are_known_to_need(
    model: memory.Architecture, quantization: str, known: float
) -> None:
    total = gib(model, quantization=quantization).total
    assert known * 0.95 <= total <= known * 1.05


def test_the_parts_add_up_and_follow_what_they_depend_on() -> None:
    one, four = gib(QWEN_7B), gib(QWEN_7B, batch_size=4)
    assert sum(one.parts.values()) == pytest.approx(one.total)
    assert one.logits < four.logits < 4 * one.logits  # beyond one tile only the hidden states grow
    assert four.activations == pytest.approx(4 * one.activations)
    assert gib(QWEN_7B, batch_size=2000).activations == gib(QWEN_7B, batch_size=1000).activations
    assert (four.weights, four.adapter) == (one.weights, one.adapter)
    assert gib(QWEN_7B, rank=64).optimizer == pytest.approx(4 * one.optimizer)
    assert gib(QWEN_7B, longest=512).activations == pytest.approx(one.activations / 4)


@pytest.mark.parametrize(
    ("share", "verdict"), [(0.5, "fits"), (0.75, "fits"), (0.76, "tight"), (0.95, "tight"), (0.96, "does_not_fit")]
)
def test_the_bands_say_fits_tight_or_does_not_fit(share: float, verdict: str) -> None:
    assert memory.verdict(share * 80, 80) == verdict


@pytest.mark.parametrize(
    "stored", [{}, {"layers": 30}, {**dict.fromkeys(memory.Architecture.__dataclass_fields__, 8), "layers": "30"}]
)
def test_an_incomplete_architecture_is_not_judged(stored: dict[str, object]) -> None:
    assert memory.architecture(stored) is None


def test_an_operator_cannot_fill_in_half_an_architecture() -> None:
    row = BaseModel(name="x", location="x", parameters=1, context_length=1, architecture={"layers": 30})
    with pytest.raises(ValidationError, match="hidden_size"):
        row.clean()
    row.architecture = {}
    row.clean()


@pytest.mark.parametrize(
    ("gpu_type", "size"),
    [
        ("A100-80GB", 80),
        ("A100-40GB", 40),
        ("H100 80GB HBM3", 80),
        ("NVIDIA-A10G", 24),
        ("RTX-4090", 24),
        ("L40S", 48),
        ("T4", 16),
        ("A100", None),
        ("Quantum-1", None),
        ("CPU", None),
    ],
)
def test_a_type_is_as_large_as_its_name_says_or_as_it_is_known_to_be(gpu_type: str, size: float | None) -> None:
    assert hardware.memory_gib(gpu_type) == size


def test_the_longer_name_counts() -> None:
    peaks = [known.peak for known in map(hardware.known, ("A100-80GB", "A10", "L40S", "L4")) if known]
    assert peaks == [312e12, 125e12, 362e12, 121e12]
    assert hardware.known("Quantum-1") is None


def test_a_processor_trains_a_small_model_as_fast_as_it_was_measured() -> None:
    cpu = hardware.known("CPU")
    assert cpu is not None
    assert cpu.peak * cpu.efficiency / (6 * 134_515_008) == pytest.approx(300, rel=0.02)
