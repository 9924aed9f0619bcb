"""Will it fit? GPU memory of a LoRA fine-tuning, part by part, on each GPU (every GPU holds a whole copy). Pure.

    weights      2 B per weight (bf16). nf4: 0.516 B per weight of the linear layers (4 bits and 0.127 bits of
                 doubly quantized constants, Dettmers et al. 2023, arXiv:2305.14314, section 3), 2 B for the others
    adapter      4 B per LoRA weight (fp32); a layer of i inputs and o outputs has rank x (i + o) of them
                 (Hu et al. 2021, arXiv:2106.09685, section 4.1)
    optimizer    12 B per LoRA weight: gradient, and the two moments of Adam, all fp32
    activations  with gradient checkpointing: 2 B x layers x tokens x hidden size for what is kept, and one layer at
                 a time computed again: 2 B x tokens x (8 x hidden + 2 x key/value + 4 x intermediate size), after
                 Korthikanti et al. 2022, arXiv:2205.05198, section 4, without the attention scores, which
                 fused attention never stores. nf4: and the layer's largest matrix in bf16
    logits       never whole: the trainer's loss (trl's fused output layer) folds tiles of at most 4096 tokens x 32768
                 vocabulary entries, 10 B each (bf16, and fp32 copies where no kernel fuses them), and keeps 8 B x
                 tokens x hidden size for the last hidden states and their gradient
    overhead     0.6 GiB for the CUDA context and libraries, and 5 % of all that for fragmentation

Tokens are those of one batch on one GPU, filled up to its longest example. Measured against a real GPU by
trainer/gpu_checks; until then take the bands for what they are: estimates with some room.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GIB = 1024**3
FITS, TIGHT = 0.75, 0.95  # shares of a GPU's memory up to which these words hold

NF4_BYTES = 0.516
CONTEXT_GIB, FRAGMENTATION = 0.6, 0.05
ATTENTION_MODULES = 4
TILE_TOKENS, TILE_VOCABULARY = 4096, 32_768


@dataclass(frozen=True)
class Architecture:
    """A dense decoder with gated feed-forward layers (Llama, Mistral, Qwen2 and their like). `kv_size` is the width
    of keys and of values: key/value heads x head size."""

    layers: int
    hidden_size: int
    intermediate_size: int
    kv_size: int
    vocab_size: int

    @property
    def linear_layers(self) -> tuple[tuple[int, int], ...]:
        """(inputs, outputs) of each linear layer of one block: query, key, value, output, gate, up, down."""
        hidden, inner, kv = self.hidden_size, self.intermediate_size, self.kv_size
        attention = ((hidden, hidden), (hidden, kv), (hidden, kv), (hidden, hidden))
        return (*attention, (hidden, inner), (hidden, inner), (inner, hidden))

    @property
    def linear_weights(self) -> int:
        return self.layers * sum(inputs * outputs for inputs, outputs in self.linear_layers)

    def adapter_weights(self, rank: int, target_modules: str) -> int:
        """Weights of an adapter on all linear layers of the blocks, or on those of the attention alone."""
        layers = self.linear_layers[:ATTENTION_MODULES] if target_modules == "attention" else self.linear_layers
        return self.layers * rank * sum(inputs + outputs for inputs, outputs in layers)


@dataclass(frozen=True)
class Need:
    """GiB on each GPU."""

    weights: float
    adapter: float
    optimizer: float
    activations: float
    logits: float
    overhead: float

    @property
    def parts(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @property
    def total(self) -> float:
        return sum(self.parts.values())


def architecture(stored: Mapping[str, Any]) -> Architecture | None:
    """The catalog's entry as an Architecture; None where a number is missing or is none."""
    values = [stored.get(name) for name in Architecture.__dataclass_fields__]
    if not all(isinstance(value, int) and not isinstance(value, bool) and value > 0 for value in values):
        return None
    return Architecture(*values)  # type: ignore[arg-type]  # checked just now


def needed(
    model: Architecture, *, parameters: int, hyperparameters: Mapping[str, Any], longest: int, rows: int
) -> Need:
    """What training takes. `longest`: tokens of the longest row of a batch; `rows`: how many there are at all."""
    tokens = min(int(hyperparameters["batch_size"]), rows) * longest
    quantized = hyperparameters.get("quantization") == "nf4"
    adapter = model.adapter_weights(int(hyperparameters["rank"]), hyperparameters.get("target_modules", "all-linear"))
    linear = model.linear_weights if quantized else 0
    weights = 2 * (parameters - linear) + NF4_BYTES * linear
    kept = 2 * model.layers * tokens * model.hidden_size
    block = 2 * tokens * (8 * model.hidden_size + 2 * model.kv_size + 4 * model.intermediate_size)
    unpacked = 2 * max(inputs * outputs for inputs, outputs in model.linear_layers) if quantized else 0
    tile = 10 * min(tokens, TILE_TOKENS) * min(model.vocab_size, TILE_VOCABULARY)
    activations, logits = kept + block + unpacked, tile + 8 * tokens * model.hidden_size
    used = weights + 16 * adapter + activations + logits
    return Need(
        weights=weights / GIB,
        adapter=4 * adapter / GIB,
        optimizer=12 * adapter / GIB,
        activations=activations / GIB,
        logits=logits / GIB,
        overhead=CONTEXT_GIB + FRAGMENTATION * used / GIB,
    )


def verdict(need_gib: float, gpu_gib: float) -> str:
    """ "fits", "tight" or "does_not_fit"."""
    share = need_gib / gpu_gib
    if share <= FITS:
        return "fits"
    return "tight" if share <= TIGHT else "does_not_fit"
