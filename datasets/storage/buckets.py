"""Which bucket means what. Rows and code use logical names; only this module knows the real ones."""

from typing import Final

from django.conf import settings

LORA_DATASETS: Final = "lora-datasets"  # what users upload
TRAINING_FILES: Final = "training-files"  # the team's data pipeline: read, never written or deleted by us
LORA_MODELS: Final = "lora-models"  # adapters and logs

LOGICAL_NAMES: Final = (LORA_DATASETS, TRAINING_FILES, LORA_MODELS)


def real_name(logical: str) -> str:
    """The bucket at the store behind a logical name; KeyError for a name that is not ours."""
    return str(settings.S3_BUCKETS[logical])
