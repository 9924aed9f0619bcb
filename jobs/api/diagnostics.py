"""All that helps to find out what became of a job, in one .zip to hand on."""

import uuid
import zipfile
from io import BytesIO
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.callers import caller
from jobs import selectors
from jobs.api.files import AnyAccepted, disposition
from jobs.api.outputs.job import job_json
from jobs.monitor import diagnostics


class JobDiagnosticsView(APIView):
    content_negotiation_class = AnyAccepted

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, job_id: uuid.UUID) -> Any:
        """The job as JSON, its configuration, timeline and attempts, the last lines of its log, its last points, and
        the versions of this installation: a .zip to send to who helps. Secrets and signatures are left out.
        """
        job, now = selectors.job_get(caller(request), job_id), timezone.now()
        texts = diagnostics.files(
            job, told=job_json(job), version=str(settings.SPECTACULAR_SETTINGS["VERSION"]), now=now
        )
        made = BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in texts.items():
                entry = zipfile.ZipInfo(
                    f"job-{job.short_id}-diagnostics/{name}", timezone.localtime(now).timetuple()[:6]
                )
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(entry, text)
        return HttpResponse(
            made.getvalue(),
            content_type="application/zip",
            headers={"Content-Disposition": disposition("attachment", job, "diagnostics", "zip")},
        )
