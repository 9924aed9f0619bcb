from django.apps import AppConfig
from django.core.checks import register

from datasets import checks


class DatasetsConfig(AppConfig):
    name = "datasets"
    verbose_name = "Datasets"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register(checks.storage_is_usable)
