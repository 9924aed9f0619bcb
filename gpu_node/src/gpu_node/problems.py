"""Errors as `application/problem+json` {title, status, detail, code, retryable}."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gpu_node.spec import FieldProblem


class Problem(Exception):
    """An answer that is an error. `retryable`: the same request may succeed later, unchanged."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str,
        *,
        retryable: bool = False,
        retry_after_s: float | None = None,
        fields: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.title, self.detail = status, code, title, detail
        self.retryable, self.fields = retryable, fields
        self.headers = dict(headers or {})
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(math.ceil(retry_after_s))

    def response(self) -> JSONResponse:
        body: dict[str, object] = {
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "retryable": self.retryable,
        }
        if self.fields:
            body["errors"] = [asdict(field) for field in self.fields]
        return JSONResponse(body, self.status, headers=self.headers, media_type="application/problem+json")


def no_such_job(external_id: str) -> Problem:
    return Problem(404, "unknown_job", "Unknown job", f"No job {external_id} is known here.")


def on_problem(request: Request, error: Exception) -> Response:
    """Turns a raised Problem into its answer."""
    if not isinstance(error, Problem):
        raise error
    return error.response()


def on_http_exception(request: Request, error: Exception) -> Response:
    """Gives the framework's own 404 and 405 the same form."""
    if not isinstance(error, HTTPException):
        raise error
    detail = f"{request.method} {request.url.path}: {error.detail}"
    problem = Problem(
        error.status_code, f"http_{error.status_code}", error.detail, detail, headers=error.headers
    )
    return problem.response()


def on_crash(request: Request, error: Exception) -> Response:
    """A fault of the node itself; the traceback is in its log."""
    detail = "The node failed to answer this. Its log has the details."
    return Problem(500, "internal_error", "Internal error", detail, retryable=True).response()
