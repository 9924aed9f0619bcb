"""For operators: start a cycle now, and settle a submission whose outcome nobody knows. Staff only."""

import uuid

from drf_spectacular.utils import extend_schema, inline_serializer
from kombu.exceptions import OperationalError
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import IsOperator, caller
from datasets.nudges import nudge, nudge_events
from jobs import selectors, services, tasks
from jobs.api.inputs import AttachInput
from jobs.api.outputs.job import JobAnswer, job_json
from jobs.exceptions import BrokerUnavailable


class ProcessView(APIView):
    permission_classes = (IsOperator,)

    @extend_schema(
        request=None,
        responses=inline_serializer(
            "ProcessAnswer",
            {
                "success": serializers.BooleanField(),
                "message": serializers.CharField(),
                "queued": serializers.IntegerField(help_text="jobs to be submitted"),
                "running": serializers.IntegerField(help_text="jobs to be polled"),
                "cancelling": serializers.IntegerField(help_text="jobs to be stopped at their cluster"),
                "finalizing": serializers.IntegerField(help_text="jobs whose files are to be brought home"),
            },
        ),
    )
    def post(self, request: Request) -> Response:
        """Start a processing cycle now, as Beat does every POLL_INTERVAL_SECONDS; counts are of due jobs."""
        try:
            counts = tasks.process_training_jobs()
        except (OperationalError, OSError) as error:
            raise BrokerUnavailable from error
        return Response({"success": True, "message": "Job processing cycle complete", **counts})


class JobAttachView(APIView):
    permission_classes = (IsOperator,)

    @extend_schema(request=AttachInput, responses=JobAnswer)
    def post(self, request: Request, job_id: uuid.UUID) -> Response:
        """The cluster does run the job of an unconfirmed submission: follow this external id."""
        body = AttachInput(data=request.data)
        body.is_valid(raise_exception=True)
        job = services.job_attach_external(
            staff=caller(request), job=selectors.any_job(job_id), external_job_id=body.validated_data["external_job_id"]
        )
        nudge(tasks.poll_jobs, [str(job.pk)])
        nudge_events()
        return Response({"job": job_json(selectors.any_job(job_id))})


class JobDeclareNotStartedView(APIView):
    permission_classes = (IsOperator,)

    @extend_schema(request=None, responses=JobAnswer)
    def post(self, request: Request, job_id: uuid.UUID) -> Response:
        """The cluster runs nothing for an unconfirmed submission: it may be sent again."""
        job = services.job_declare_not_started(staff=caller(request), job=selectors.any_job(job_id))
        nudge(tasks.submit_job, str(job.pk))
        nudge_events()
        return Response({"job": job_json(selectors.any_job(job_id))})
