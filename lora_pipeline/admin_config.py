"""Django's admin with our site. In a module of its own: Django wants one configuration per module."""

from django.contrib.admin.apps import AdminConfig


class OperatorsAdminConfig(AdminConfig):
    default_site = "lora_pipeline.admin.OperatorsSite"
