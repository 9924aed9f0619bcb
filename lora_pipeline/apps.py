from django.apps import AppConfig
from django.core.checks import register

from lora_pipeline import checks


class LoraPipelineConfig(AppConfig):
    name = "lora_pipeline"
    verbose_name = "LoRA Pipeline"

    def ready(self) -> None:
        register(checks.settings_make_sense)
