"""All URLs. Routes have no trailing slash; with one they work too (lora_pipeline.url_paths)."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import (
    SpectacularJSONAPIView,
    SpectacularSwaggerSplitView,
    SpectacularYAMLAPIView,
)

from lora_pipeline import api_errors, health, offline
from lora_pipeline.processing import ProcessingView

api: list[URLPattern | URLResolver] = [
    path("schema", SpectacularJSONAPIView.as_view(), name="schema"),
    path("schema.yaml", SpectacularYAMLAPIView.as_view(), name="schema-yaml"),
    path("docs", SpectacularSwaggerSplitView.as_view(template_name="api_docs.html"), name="api-docs"),
    path("processing", ProcessingView.as_view(), name="processing"),
    path("", include("accounts.api.urls")),
    path("", include("datasets.api.urls")),
    path("", include("jobs.api.urls")),
    path("", include("notifications.api.urls")),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", include(api)),
    path("", RedirectView.as_view(pattern_name="job-list"), name="home"),
    path("health", health.health, name="health"),
    path("ready", health.ready, name="ready"),
    path("offline", offline.page, name="offline"),
    path("service-worker.js", offline.worker, name="service-worker"),
    # One login page for everybody, with its limit on guessing.
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/login/", RedirectView.as_view(pattern_name="login", query_string=True)),
    path("admin/", admin.site.urls),
    path("", include("accounts.urls")),
    path("", include("datasets.urls")),
    path("", include("jobs.urls")),
    path("", include("notifications.urls")),
]

handler400 = api_errors.bad_request
handler403 = api_errors.permission_denied
handler404 = api_errors.not_found
handler500 = api_errors.server_error
