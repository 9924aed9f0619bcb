"""Machines' questions: does the process live (/health), and can it do its work (/ready)?"""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from lora_pipeline import diagnosis


@require_safe
@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """200 while the process answers; asks nobody."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """200 when database, broker and cycle work, else 503; `checks` says which does not and what to do."""
    findings = diagnosis.readiness()
    ok = all(finding.ok for finding in findings)
    checks = {
        finding.name: {"ok": finding.ok, "message": finding.message, "advice": finding.advice} for finding in findings
    }
    return JsonResponse({"status": "ready" if ok else "not ready", "checks": checks}, status=200 if ok else 503)
