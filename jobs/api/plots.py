"""The charts of a job as files, for papers, chats and spreadsheets."""

import uuid
from dataclasses import asdict
from itertools import chain
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.callers import caller
from datasets import spreadsheet
from jobs import selectors, series
from jobs.api import conditional
from jobs.api.files import AnyAccepted, disposition
from jobs.api.inputs import StepsQuery
from jobs.api.picture_query import PictureQuery
from jobs.charts import picture
from jobs.charts.happenings import Alert, Checkpoint, Marks
from jobs.charts.subjects import SUBJECTS
from jobs.models import TrainingJob
from jobs.monitor import checkpoints

PLOT_POINTS = 4000
_CHART = OpenApiParameter("chart", str, OpenApiParameter.PATH, enum=list(SUBJECTS))


class ChartName:
    """A converter of addresses: the charts that there are."""

    regex = "|".join(SUBJECTS)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class JobChartPngView(APIView):
    content_negotiation_class = AnyAccepted

    @extend_schema(parameters=[_CHART, PictureQuery], responses={(200, "image/png"): OpenApiTypes.BINARY})
    def get(self, request: Request, job_id: uuid.UUID, chart: str) -> Any:
        """A chart as an image: over the steps unless told otherwise, as the page draws it."""
        return _picture(request, job_id, chart, "png", "image/png")


class JobChartSvgView(APIView):
    content_negotiation_class = AnyAccepted

    @extend_schema(parameters=[_CHART, PictureQuery], responses={(200, "image/svg+xml"): OpenApiTypes.STR})
    def get(self, request: Request, job_id: uuid.UUID, chart: str) -> Any:
        """The same as a drawing that scales."""
        return _picture(request, job_id, chart, "svg", "image/svg+xml")


class JobChartPdfView(APIView):
    content_negotiation_class = AnyAccepted

    @extend_schema(parameters=[_CHART, PictureQuery], responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    def get(self, request: Request, job_id: uuid.UUID, chart: str) -> Any:
        """The same as a page to print or include."""
        return _picture(request, job_id, chart, "pdf", "application/pdf")


class JobChartCsvView(APIView):
    content_negotiation_class = AnyAccepted

    @extend_schema(parameters=[_CHART, StepsQuery], responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, job_id: uuid.UUID, chart: str) -> Any:
        """Every stored value of a chart, or those of a range of steps: a line for each point that has any.

        Steps that were trained again come again, with a later attempt or restart.
        """
        job = selectors.job_get(caller(request), job_id)
        query = StepsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        metrics = SUBJECTS[chart].metrics
        rows = series.every_point(job, query.validated_data["steps"], metrics=metrics)
        return StreamingHttpResponse(
            spreadsheet.pieces(chain([series.columns(metrics)], rows)),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": disposition("attachment", job, chart, "csv")},
        )


def _picture(request: Request, job_id: uuid.UUID, chart: str, file_format: picture.Format, content_type: str) -> Any:
    """The picture, or 304 where the client has it and nothing that it shows has changed."""
    job = selectors.job_get(caller(request), job_id)
    query = PictureQuery(data=request.query_params, context={"subject": SUBJECTS[chart]})
    query.is_valid(raise_exception=True)
    chosen = query.validated_data
    subtitle = f"{job.dataset.name} · {job.base_model.name}" + (" · simulated run" if job.simulated else "")
    shown: dict[str, Any] = {
        "title": job.name,
        "subtitle": subtitle,
        "look": query.look,
        "marks": _marks(job) if chosen["marks"] else None,
        "theme": chosen["theme"],
    }
    told = {name: asdict(value) if name in {"look", "marks"} and value else value for name, value in shown.items()}
    etag = conditional.etag_of(chart, file_format, job.metrics_version, told, query.subject.metrics)
    if answer := conditional.not_modified(request, etag):
        return answer
    drawn = picture.picture(query.subject, _points(job, chosen["steps"]), file_format=file_format, **shown)
    headers = conditional.headers(etag) | {"Content-Disposition": disposition("inline", job, chart, file_format)}
    return HttpResponse(drawn, content_type=content_type, headers=headers)


def _marks(job: TrainingJob) -> Marks:
    saved = [Checkpoint(each.attempt, each.restart, each.step, each.is_best) for each in checkpoints.newest_first(job)]
    found = [
        Alert(warning["step"], warning["code"].removeprefix("sentinel_").replace("_", " "))
        for warning in job.warnings
        if warning.get("step") is not None
    ]
    return Marks(tuple(reversed(saved)), tuple(sorted(found, key=lambda alert: alert.step)))


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
