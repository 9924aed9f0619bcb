"""The price list and the base models that a new installation starts with; operators change them in the admin."""

from decimal import Decimal
from typing import Any

from django.db import migrations

PRICES = {"H100-80GB": "4.20", "A100-80GB": "3.50", "A100-40GB": "2.80", "V100-32GB": "2.10"}

DEFAULT_MODEL = "Qwen/Qwen2.5-7B-Instruct"
# Hub id: parameters, context in tokens, licence; as on each model's page at the hub.
MODELS = {
    "HuggingFaceTB/SmolLM2-135M-Instruct": (134_515_008, 8_192, "Apache-2.0"),
    "Qwen/Qwen2.5-0.5B-Instruct": (494_032_768, 32_768, "Apache-2.0"),
    DEFAULT_MODEL: (7_615_616_512, 32_768, "Apache-2.0"),
    "mistralai/Mistral-7B-Instruct-v0.3": (7_248_023_552, 32_768, "Apache-2.0"),
    "meta-llama/Llama-3.1-8B-Instruct": (8_030_261_248, 131_072, "Llama 3.1 Community License"),
}


def seed(apps: Any, schema_editor: Any) -> None:
    prices, models = apps.get_model("jobs", "GpuPrice"), apps.get_model("jobs", "BaseModel")
    for gpu_type, price in PRICES.items():
        prices.objects.get_or_create(gpu_type=gpu_type, defaults={"price_per_hour": Decimal(price)})
    for name, (parameters, context_length, licence) in MODELS.items():
        models.objects.get_or_create(
            name=name,
            defaults={
                "source": "hub",
                "location": name,
                "parameters": parameters,
                "context_length": context_length,
                "licence": licence,
                "is_default": name == DEFAULT_MODEL,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
