"""Made-up values in the admin's addresses and tick boxes are a bad request, no crash of ours."""

import logging
from collections.abc import Callable

from django.core.exceptions import BadRequest, ValidationError
from django.db import DataError
from django.http import HttpRequest, HttpResponseBase

from lora_pipeline.api_errors import bad_request

logger = logging.getLogger(__name__)

IMPOSSIBLE = (ValueError, OverflowError, ValidationError, DataError)


class RefuseImpossibleValues:
    """Middleware: Django's own admin compares whatever is asked for with its columns, and trips over it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """Only what a comparison raises, and only where values were given for one."""
        given = bool(request.GET) or "_selected_action" in request.POST
        if not (given and request.path.startswith("/admin/") and isinstance(error, IMPOSSIBLE)):
            return None
        logger.warning("Refused values that no column can hold: %s", request.path, exc_info=error)
        return bad_request(request, BadRequest("These values cannot be looked for."))
