"""What a run leaves to read: its timeline, its log, its checkpoints, the files of its adapter."""

import uuid
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from datasets.nudges import nudge
from datasets.storage import open_store, signing
from datasets.storage.base import SignedUrl
from jobs import deliveries, provenance, selectors, tasks
from jobs.api.files import AnyAccepted, disposition
from jobs.api.inputs import JobInput, LogsQuery
from jobs.api.outputs.run import ArtifactOutput, CheckpointOutput, JobEventOutput
from jobs.api.outputs.situation import PhaseOutput
from jobs.models import JobLog, ModelArtifact, TrainingJob
from jobs.models.run import ArtifactStatus
from jobs.monitor.way import way_of

LogsAnswer = inline_serializer(
    "LogsAnswer",
    {
        "lines": serializers.ListField(child=serializers.CharField(), help_text="the last lines"),
        "total_lines": serializers.IntegerField(help_text="lines so far, more than in `lines` for a long run"),
        "complete": serializers.BooleanField(help_text="the run has ended and the whole log lies in storage"),
        "download_url": serializers.CharField(allow_null=True, help_text="the whole log, signed for a limited time"),
    },
)


EventsAnswer = inline_serializer(
    "EventsAnswer",
    {
        "events": JobEventOutput(many=True),
        "phases": PhaseOutput(many=True, help_text="the way of the present attempt, as of this answer"),
    },
)


class JobEventsView(APIView):
    @extend_schema(responses=EventsAnswer)
    def get(self, request: Request, job_id: uuid.UUID) -> Response:
        """The job's timeline, oldest first: what changed, who or what did it, and why."""
        job = selectors.job_get(caller(request), job_id)
        events = list(selectors.job_events(job))
        way = way_of(job, events, now=timezone.now())
        return Response({"events": JobEventOutput(events, many=True).data, "phases": PhaseOutput(way, many=True).data})


class JobLogsView(APIView):
    content_negotiation_class = AnyAccepted

    @extend_schema(
        parameters=[LogsQuery],
        responses={(200, "application/json"): LogsAnswer, (200, "text/plain"): OpenApiTypes.STR},
    )
    def get(self, request: Request, job_id: uuid.UUID) -> Any:
        """The last lines of the run's log. Asking while it runs has newer lines brought for the next time.

        With `after` only what came since then: all lines that are here where more came than those.
        With `download` it is a text file: the whole log once the run has ended, before that the lines that are here.
        """
        job = selectors.job_get(caller(request), job_id)
        query = LogsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        log = selectors.job_log(job)
        path = log.storage_path if log else ""
        if not path and job.external_job_id:
            nudge(tasks.pull_logs, str(job.pk))
        if query.validated_data["download"]:
            return _as_text(job, log)
        return Response(
            {
                "lines": _lines(log, after=query.validated_data["after"]),
                "total_lines": log.total_lines if log else 0,
                "complete": bool(path),
                "download_url": _saved_as_file(deliveries.BUCKET, path).url if path else None,
            }
        )


class JobCheckpointsView(APIView):
    @extend_schema(responses=inline_serializer("CheckpointsAnswer", {"checkpoints": CheckpointOutput(many=True)}))
    def get(self, request: Request, job_id: uuid.UUID) -> Response:
        """The job's checkpoints in storage, oldest first: `resume_from` of a retry names one of them."""
        job = selectors.job_get(caller(request), job_id)
        best = selectors.job_best_checkpoint(job)
        saved = selectors.job_checkpoints(job)
        shown = CheckpointOutput(saved, many=True, context={"best": best.pk if best else None})
        return Response({"checkpoints": shown.data})


class JobConfigurationView(APIView):
    @extend_schema(
        responses=inline_serializer(
            "ConfigurationAnswer",
            {"request": JobInput(), "provenance": serializers.DictField(help_text="what else the job was made from")},
        )
    )
    def get(self, request: Request, job_id: uuid.UUID) -> Response:
        """The job's configuration: `request` makes the same job again, `provenance` says what it was made from.

        `request` begins at the start also where the job went on from a checkpoint: that is `provenance.resume_from`.
        """
        job = selectors.job_get(caller(request), job_id)
        made_from = provenance.provenance(job)
        versions = {"control_plane": settings.SPECTACULAR_SETTINGS["VERSION"], **made_from["versions"]}
        return Response({"request": provenance.request(job), "provenance": {**made_from, "versions": versions}})


class JobArtifactView(APIView):
    @extend_schema(responses=inline_serializer("ArtifactAnswer", {"artifact": ArtifactOutput()}))
    def get(self, request: Request, job_id: uuid.UUID) -> Response:
        """The adapter that the job produced, with download URLs once it is ready. 404 without one."""
        artifact = selectors.job_artifact(selectors.job_get(caller(request), job_id))
        answer: dict[str, Any] = ArtifactOutput(artifact).data
        answer["files"] = [_with_url(artifact, file) for file in artifact.files]
        return Response({"artifact": answer})


def _with_url(artifact: ModelArtifact, file: dict[str, Any]) -> dict[str, Any]:
    ready = artifact.status == ArtifactStatus.READY
    path = artifact.storage_prefix + file["path"]
    signed = _saved_as_file(artifact.storage_bucket, path) if ready else None
    return {
        "path": file["path"],
        "size": file.get("size"),
        "sha256": file.get("sha256"),
        "url": signed.url if signed else None,
        "url_expires_at": signed.expires_at if signed else None,
    }


def _saved_as_file(bucket: str, path: str) -> SignedUrl:
    """Pages lead browsers to these addresses; showing a file there would lead them away from the page."""
    return signing.sign_download(bucket=bucket, path=path, as_attachment=True)


def _lines(log: JobLog | None, *, after: int) -> list[str]:
    lines = log.tail.split("\n") if log and log.tail else []
    if log is None or not after:
        return lines
    new = log.total_lines - after
    return lines[-new:] if 0 < new <= len(lines) else [] if new == 0 else lines


def _as_text(job: TrainingJob, log: JobLog | None) -> StreamingHttpResponse:
    content: Iterator[bytes]
    if log is not None and log.storage_path:
        store = open_store()
        store.head(bucket=deliveries.BUCKET, path=log.storage_path)  # what is missing is said now
        content = store.stream(bucket=deliveries.BUCKET, path=log.storage_path)
    else:
        content = iter([f"{log.tail}\n".encode()] if log and log.tail else [])
    return StreamingHttpResponse(
        content,
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": disposition("attachment", job, "log", "txt")},
    )
