"""From an exception to an HTTP status and an error envelope: the only place that knows both.

Apps raise their own exceptions (see DomainError) and never name a status. Views for errors outside of a
view (no such URL, CSRF, a crash) answer JSON below /api/ and a page elsewhere.
"""

import logging
import math
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions, status
from rest_framework.fields import get_error_detail
from rest_framework.response import Response

from lora_pipeline import error_pages

logger = logging.getLogger(__name__)

STATUS_OF_KIND = {
    "invalid": 400,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "unavailable": 503,
}


@runtime_checkable
class DomainError(Protocol):
    """What each app's exceptions.py offers. `kind` is a key of STATUS_OF_KIND."""

    kind: str
    code: str
    message: str
    details: dict[str, Any]


def error_body(code: str, message: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    """The envelope of a failure."""
    return {"success": False, "error": {"code": code, "message": message, "details": details or {}}}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER. None (a bug of ours) lets Django log it and answer 500."""
    if isinstance(error, DomainError):
        body = error_body(error.code, error.message, error.details)
        return Response(body, status=STATUS_OF_KIND[error.kind])
    error = _as_api_exception(error)
    if not isinstance(error, exceptions.APIException):
        return None
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    details: dict[str, Any] = {}
    message = str(error.detail)
    code = str(error.default_code)
    if isinstance(error, exceptions.Throttled):
        seconds = max(1, math.ceil(getattr(error, "wait", None) or 1))
        headers["Retry-After"] = str(seconds)
        details = {"retry_after_seconds": seconds}
        message = f"Too many requests. Try again in {seconds} s."
    elif isinstance(error, _DatabaseAway):
        headers["Retry-After"] = str(error_pages.DATABASE_RETRY_S)
    elif isinstance(error, exceptions.ValidationError):
        details = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
        message = "; ".join(_sentences(details))
    elif isinstance(error.detail, dict | list):
        details = {"detail": error.detail}
        message = str(error.default_detail)
    return Response(error_body(code, message, details), status=error.status_code, headers=headers)


def _as_api_exception(error: Exception) -> Exception:
    """Django's own exceptions as DRF's; any other one unchanged."""
    if isinstance(error, Http404):
        # Its text names our models and their ids: not for a client.
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied(*error.args)
    if isinstance(error, RequestDataTooBig):
        return _TooLarge()
    if isinstance(error, OperationalError | InterfaceError):
        logger.error("The database did not answer", exc_info=error)
        return _DatabaseAway()
    if isinstance(error, DjangoValidationError):
        return exceptions.ValidationError(get_error_detail(error))
    if isinstance(error, BadRequest | SuspiciousOperation):
        return exceptions.ParseError("The request is malformed.")
    return error


class _TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = "The request body is larger than 1 MiB. Datasets are uploaded straight to storage."


class _DatabaseAway(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "database_unavailable"
    default_detail = "The database does not answer at the moment. Try again in a few seconds."


def _sentences(details: Any, place: str = "") -> list[str]:
    """DRF's nested error details as "field.inner: message", in order."""
    if isinstance(details, dict):
        return [
            line
            for key, inner in details.items()
            for line in _sentences(inner, place if key == "non_field_errors" else f"{place}.{key}".strip("."))
        ]
    if isinstance(details, list | tuple):
        return [line for inner in details for line in _sentences(inner, place)]
    return [f"{place}: {details}" if place else str(details)]


def _error_view(
    status_code: int, code: str, message: str, page: Callable[..., HttpResponse]
) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.path.startswith("/api/"):
            return JsonResponse(error_body(code, message), status=status_code)
        return page(request, *args, **kwargs)

    return view


bad_request = _error_view(400, "bad_request", "The request is malformed.", defaults.bad_request)
permission_denied = _error_view(403, "permission_denied", "You may not do this.", defaults.permission_denied)
not_found = _error_view(
    404, "not_found", "There is nothing at this address. /api/docs lists what there is.", defaults.page_not_found
)
server_error = _error_view(
    500,
    "server_error",
    "Something went wrong on our side. The operator's log has the details.",
    error_pages.crashed,
)
_csrf_refused = _error_view(403, "csrf_failed", "The page is out of date. Reload it.", error_pages.out_of_date)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was written before its sender logged in or out, or that comes from elsewhere."""
    return _csrf_refused(request)
