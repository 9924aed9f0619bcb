"""The admin's site; each app registers its own models."""

from django.contrib import admin
from django.http import HttpRequest

from tenancy import viewer


class OperatorsSite(admin.AdminSite):
    """Whoever it lets in sees everybody's rows, and only in there."""

    site_title = site_header = "LoRA Pipeline"
    index_title = "Operations"

    def has_permission(self, request: HttpRequest) -> bool:
        allowed = super().has_permission(request)
        if allowed:
            viewer.become(viewer.EVERYBODY)
        return allowed
