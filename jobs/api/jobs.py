"""Jobs: list, create, one job with its points and costs, cancel, retry, estimate."""

import uuid
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from datasets.nudges import nudge, nudge_events
from jobs import estimates, selectors, series, services, tasks
from jobs.api import conditional
from jobs.api.inputs import (
    CancelInput,
    ConfigurationInput,
    JobInput,
    JobsQuery,
    PointsQuery,
    RetryInput,
    idempotency_key,
)
from jobs.api.outputs.catalog import EstimateAnswer
from jobs.api.outputs.job import JobAnswer, JobSummaryOutput, job_json
from jobs.api.outputs.run import JobDetailAnswer, cost_json
from jobs.api.outputs.situation import situation_json, trends_json
from jobs.monitor import facts

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="The same key again gives the same job (200)."
)

_AS_OF_NOW = ("elapsed_seconds", "eta_seconds")


class JobListView(generics.ListAPIView[Any]):
    list_key = "jobs"
    serializer_class = JobSummaryOutput

    def get_throttles(self) -> list[Any]:
        # Listing is cheap; creating spends money.
        self.throttle_scope = "create" if self.request.method == "POST" else ""
        return super().get_throttles()

    def get_queryset(self) -> Any:
        query = JobsQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        chosen = query.validated_data
        return selectors.job_list(
            caller(self.request),
            statuses=chosen["status"],
            search=chosen["search"].strip(),
            ordering=chosen["ordering"],
            dataset_id=chosen.get("dataset"),
            base_model=chosen.get("base_model", ""),
            gpu_type=chosen.get("gpu_type", ""),
            created_from=chosen.get("created_from"),
            created_before=chosen.get("created_before"),
        )

    @extend_schema(parameters=[JobsQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One's own jobs, newest first unless ordered otherwise."""
        return super().get(request, *args, **kwargs)

    @extend_schema(parameters=[IDEMPOTENCY_KEY], request=JobInput, responses={201: JobAnswer, 200: JobAnswer})
    def post(self, request: Request) -> Response:
        """Create a job and hand it to the cluster. Explicit hyperparameters beat the preset's."""
        body = JobInput(data=request.data)
        body.is_valid(raise_exception=True)
        job, created = services.job_create(
            owner=caller(request), **body.validated_data, idempotency_key=idempotency_key(request)
        )
        return _started(request, job.pk, is_new=created)


class JobDetailView(APIView):
    @extend_schema(parameters=[PointsQuery], responses=JobDetailAnswer)
    def get(self, request: Request, job_id: uuid.UUID) -> Any:
        """A job, its points and what it cost so far. Asking while it runs has newer figures brought for the next time.

        With If-None-Match the answer is 304 while nothing changed; `elapsed_seconds` and `eta_seconds` are as
        of the answer, so a client that keeps an answer counts on from `started_at`. `situation` says what is going
        on and whom the job waits for.
        """
        job, now = selectors.job_get(caller(request), job_id), timezone.now()
        query = PointsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        if selectors.is_stale(job, now=now):
            nudge(tasks.poll_jobs, [str(job.pk)])
        data: dict[str, Any] = {
            "job": job_json(job),
            "cost_records": [cost_json(record) for record in selectors.job_costs(job)],
        }
        lasting = {name: value for name, value in data["job"].items() if name not in _AS_OF_NOW}
        found = facts.situation_of(job, now=now)
        said = (found.sentence, found.waits_for)
        etag = conditional.etag_of(lasting, data["cost_records"], job.metrics_version, query.validated_data, said)
        if answer := conditional.not_modified(request, etag):
            return answer
        chart = series.chart(job, **query.validated_data)
        data.update(metrics=chart.points, metrics_total=chart.total, metrics_next=chart.next)
        data.update(metrics_superseded=chart.superseded)
        data.update(situation=situation_json(job, found, now=now), trends=trends_json(job))
        return Response(data, headers=conditional.headers(etag))


class JobCancelView(APIView):
    @extend_schema(request=CancelInput, responses=JobAnswer)
    def post(self, request: Request, job_id: uuid.UUID) -> Response:
        """Stop a job. Repeating it is harmless; 409 for a job that completed or failed."""
        selectors.job_check(caller(request), job_id)
        body = CancelInput(data=request.data or {})
        body.is_valid(raise_exception=True)
        job = services.job_cancel(user=caller(request), job_id=job_id, **body.validated_data)
        answer = _answer(request, job.pk)
        # Last, since the workers that it wakes may have to share our processor.
        nudge(tasks.release_job, str(job.pk))
        if job.is_terminal:  # else its end is what people are told
            nudge_events()
        return answer


class JobRetryView(APIView):
    throttle_scope = "create"

    @extend_schema(parameters=[IDEMPOTENCY_KEY], request=RetryInput, responses={201: JobAnswer, 200: JobAnswer})
    def post(self, request: Request, job_id: uuid.UUID) -> Response:
        """A new job like an ended one (its `retry_of`), with the given settings changed.

        With `resume_from` it goes on from a checkpoint; then only settings may change that leave adapter and order
        of examples as they are, such as learning_rate, epochs and max_steps.
        """
        selectors.job_check(caller(request), job_id)
        body = RetryInput(data=request.data or {})
        body.is_valid(raise_exception=True)
        job, created = services.job_retry(
            user=caller(request), job_id=job_id, **body.validated_data, idempotency_key=idempotency_key(request)
        )
        return _started(request, job.pk, is_new=created)


class JobEstimateView(APIView):
    @extend_schema(request=ConfigurationInput, responses=EstimateAnswer)
    def post(self, request: Request) -> Response:
        """What a job would take: tokens, steps, memory, time and dollars.

        Refuses what creating it would refuse, but for too little GPU memory: that is `memory.verdict`.
        """
        body = ConfigurationInput(data=request.data)
        body.is_valid(raise_exception=True)
        chosen = estimates.configuration(user=caller(request), **body.validated_data)
        return Response(estimates.as_answer(estimates.estimate(chosen)))


def _started(request: Request, job_id: uuid.UUID, *, is_new: bool) -> Response:
    """The answer to a request for a new job, which is handed to the cluster; 200 for one that was made before."""
    if is_new:
        nudge(tasks.submit_job, str(job_id))
        nudge_events()
    return _answer(request, job_id, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)


def _answer(request: Request, job_id: uuid.UUID, status_code: int = status.HTTP_200_OK) -> Response:
    return Response({"job": job_json(selectors.job_get(caller(request), job_id))}, status=status_code)
