"""The loss curve as a file, for papers and chats."""

import uuid
from dataclasses import asdict
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.callers import caller
from jobs import charts, selectors, series
from jobs.api import conditional
from jobs.api.files import AnyAccepted, disposition
from jobs.api.inputs import PictureQuery
from jobs.models import TrainingJob

PLOT_POINTS = 4000


class JobLossPngView(APIView):
    content_negotiation_class = AnyAccepted

    @extend_schema(parameters=[PictureQuery], responses={(200, "image/png"): OpenApiTypes.BINARY})
    def get(self, request: Request, job_id: uuid.UUID) -> Any:
        """Training and validation loss as an image: over the steps unless told otherwise, as the page draws them."""
        return _loss_curve(request, job_id, "png", "image/png")


class JobLossSvgView(APIView):
    content_negotiation_class = AnyAccepted

    @extend_schema(parameters=[PictureQuery], responses={(200, "image/svg+xml"): OpenApiTypes.STR})
    def get(self, request: Request, job_id: uuid.UUID) -> Any:
        """The same as a drawing that scales."""
        return _loss_curve(request, job_id, "svg", "image/svg+xml")


class JobLossPdfView(APIView):
    content_negotiation_class = AnyAccepted

    @extend_schema(parameters=[PictureQuery], responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    def get(self, request: Request, job_id: uuid.UUID) -> Any:
        """The same as a page to print or include."""
        return _loss_curve(request, job_id, "pdf", "application/pdf")


def _loss_curve(request: Request, job_id: uuid.UUID, file_format: charts.Format, content_type: str) -> Any:
    """The picture, or 304 where the client has it and nothing that it shows has changed."""
    job = selectors.job_get(caller(request), job_id)
    subtitle = f"{job.dataset.name} · {job.base_model.name}" + (" · simulated run" if job.simulated else "")
    query = PictureQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    chosen = query.validated_data
    look = query.look
    etag = conditional.etag_of(file_format, job.name, subtitle, job.metrics_version, asdict(look))
    if answer := conditional.not_modified(request, etag):
        return answer
    picture = charts.loss_curve(
        _points(job, chosen["steps"]), title=job.name, subtitle=subtitle, file_format=file_format, look=look
    )
    headers = conditional.headers(etag) | {"Content-Disposition": disposition("inline", job, "loss", file_format)}
    return HttpResponse(picture, content_type=content_type, headers=headers)


def _points(job: TrainingJob, steps: series.Steps) -> list[dict[str, Any]]:
    """All points, as finely as a picture can show; of a range the finer ones, with the coarse ones around them.

    The smoothed course needs what was before the range, and lines go on to the picture's edges.
    """
    whole = series.chart(job, max_points=PLOT_POINTS).points
    if steps == series.EVERY_STEP:
        return whole
    inside = series.chart(job, max_points=PLOT_POINTS, steps=steps).points
    outside = [point for point in whole if not steps.first <= point["step"] <= steps.last]
    return sorted([*outside, *inside], key=lambda point: (point["attempt"], point["restart"], point["step"]))
