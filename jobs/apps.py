from django.apps import AppConfig
from django.core.checks import register

from jobs import checks


class JobsConfig(AppConfig):
    name = "jobs"
    verbose_name = "Training jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register(checks.clusters_are_usable)
        register(checks.a_cluster_is_configured, deploy=True)
