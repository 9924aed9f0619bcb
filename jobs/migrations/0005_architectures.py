"""The shapes of the base models that a new installation starts with, for the estimate of GPU memory.

From each model's config.json at the hub: num_hidden_layers, hidden_size, intermediate_size, num_key_value_heads x
head size, vocab_size. They add up to the parameters of 0002_catalog.
"""

from typing import Any

from django.db import migrations

NAMES = ("layers", "hidden_size", "intermediate_size", "kv_size", "vocab_size")
SHAPES = {
    "HuggingFaceTB/SmolLM2-135M-Instruct": (30, 576, 1536, 192, 49_152),
    "Qwen/Qwen2.5-0.5B-Instruct": (24, 896, 4864, 128, 151_936),
    "Qwen/Qwen2.5-7B-Instruct": (28, 3584, 18_944, 512, 152_064),
    "mistralai/Mistral-7B-Instruct-v0.3": (32, 4096, 14_336, 1024, 32_768),
    "meta-llama/Llama-3.1-8B-Instruct": (32, 4096, 14_336, 1024, 128_256),
}


def fill(apps: Any, schema_editor: Any) -> None:
    models = apps.get_model("jobs", "BaseModel")
    for name, shape in SHAPES.items():
        models.objects.filter(name=name, architecture={}).update(architecture=dict(zip(NAMES, shape, strict=True)))


class Migration(migrations.Migration):
    dependencies = [("jobs", "0004_training_for_real")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
