"""The product's URLs and one view that has a bug."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from lora_pipeline.urls import handler400, handler403, handler404, handler500
from lora_pipeline.urls import urlpatterns as product

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


def crash(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a secret detail")


urlpatterns = [path("crash", crash), path("api/crash", crash), *product]
