"""What a cluster calls while it runs an attempt, proved by its token: upload URLs, fresh download URLs, hints.

This is our side of the GPU cluster API, not of the users' REST API: bodies go out bare, without its envelope.
Hints only make a poll come sooner; polling stays the truth.
"""

import uuid
from typing import Any

from rest_framework import serializers
from rest_framework.authentication import get_authorization_header
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from datasets.nudges import nudge
from jobs import callbacks, deliveries, sources
from jobs.clusters.http import orders
from jobs.exceptions import JobNotFound
from jobs.models import TrainingJob
from jobs.tasks import poll_jobs, release_job
from tenancy import viewer


class FileAnnouncement(serializers.Serializer[Any]):
    path = serializers.CharField(max_length=512)
    size = serializers.IntegerField(min_value=0)
    sha256 = serializers.RegexField(r"^[0-9a-f]{64}$")


class UploadsInput(serializers.Serializer[Any]):
    files = FileAnnouncement(many=True, allow_empty=False)


class EventInput(serializers.Serializer[Any]):
    event_id = serializers.CharField(max_length=200)
    state = serializers.CharField(max_length=64, required=False)


class CallbackView(APIView):
    """Only the current attempt of a job is listened to; anything else is a 404."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    renderer_classes = (JSONRenderer,)
    throttle_classes = (ScopedRateThrottle,)
    throttle_scope = "callback"
    schema = None  # docs/cluster-api.md describes it

    def job(self, request: Request, job_id: uuid.UUID, attempt: int) -> TrainingJob:
        scheme, _, presented = get_authorization_header(request).partition(b" ")
        genuine = callbacks.is_genuine(job_id, attempt, presented.decode("latin-1"))
        if scheme.lower() != b"bearer" or not genuine:
            raise JobNotFound
        with viewer.seeing(viewer.EVERYBODY):  # the token stands for the job; whose it is has to be found out
            job = TrainingJob.objects.select_related("dataset", "owner", "validation_dataset").filter(pk=job_id).first()
        if job is None or not self.listens_to(job, attempt):
            raise JobNotFound
        viewer.become(job.owner_id)
        return job

    def listens_to(self, job: TrainingJob, attempt: int) -> bool:
        """Whether that attempt has something to say here."""
        return job.attempt == attempt


class UploadsView(CallbackView):
    def listens_to(self, job: TrainingJob, attempt: int) -> bool:
        """Of a lost attempt the last checkpoint may still come, until the next one has begun elsewhere."""
        is_lost = job.attempt == attempt + 1 and not job.external_job_id
        return is_lost or super().listens_to(job, attempt)

    def post(self, request: Request, job_id: uuid.UUID, attempt: int) -> Response:
        """Signed upload URLs for the files that the run produced: [{path, method, url, headers, expires_at}]."""
        job = self.job(request, job_id, attempt)
        given = UploadsInput(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(deliveries.upload_tickets(job, attempt, given.validated_data["files"]))


class EventsView(CallbackView):
    def post(self, request: Request, job_id: uuid.UUID, attempt: int) -> Response:
        """A hint that something changed: the job is polled now."""
        job = self.job(request, job_id, attempt)
        EventInput(data=request.data).is_valid(raise_exception=True)
        if not job.is_terminal:
            nudge(poll_jobs, [str(job.pk)])
            if job.cancel_requested_at:
                nudge(release_job, str(job.pk))
        return Response(status=204)


class FreshInputsView(CallbackView):
    """New signed URLs, for a job whose first ones expired in a queue; none for one that has ended."""

    def job(self, request: Request, job_id: uuid.UUID, attempt: int) -> TrainingJob:
        job = super().job(request, job_id, attempt)
        if job.is_terminal:
            raise JobNotFound
        return job


class DatasetUrlView(FreshInputsView):
    def get(self, request: Request, job_id: uuid.UUID, attempt: int) -> Response:
        """{url, expires_at} of the dataset, and validation_url where the job has a validation dataset."""
        job = self.job(request, job_id, attempt)
        fresh = sources.dataset(job.dataset, job.dataset.sha256)
        answer = {"url": fresh.url, "expires_at": fresh.url_expires_at}
        if job.validation_dataset is not None:
            answer["validation_url"] = sources.dataset(job.validation_dataset, job.validation_dataset.sha256).url
        return Response(answer)


class CheckpointUrlsView(FreshInputsView):
    def get(self, request: Request, job_id: uuid.UUID, attempt: int) -> Response:
        """{files: [{path, url, size, sha256}]} of the checkpoint that the attempt goes on from; 404 without one."""
        job = self.job(request, job_id, attempt)
        running = job.attempts.select_related("resume_from").filter(number=attempt).first()
        if running is None or running.resume_from is None:
            raise JobNotFound
        return Response({"files": orders.files(sources.checkpoint_files(running.resume_from))})


class BaseModelUrlsView(FreshInputsView):
    def get(self, request: Request, job_id: uuid.UUID, attempt: int) -> Response:
        """{files: [{path, url, size}]} of a base model that lies in storage; 404 for any other."""
        job = self.job(request, job_id, attempt)
        ordered = job.attempts.values_list("request", flat=True).filter(number=attempt).first() or {}
        source = ordered.get("base_model_source") or {}
        if source.get("kind") != sources.FILES:
            raise JobNotFound
        return Response({"files": orders.files(sources.model_files(source["location"]))})
