"""/api/datasets/{id}/correction: a corrected copy of the file, and a dataset of it."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from datasets import corrections
from datasets.api.outputs import CorrectionBody, DatasetBody, DatasetOutput
from datasets.models import CorrectionStatus, Dataset
from datasets.selectors import correction_of, dataset_get
from datasets.tasks import nudge_correction, nudge_validation


class DatasetCorrectionView(APIView):
    @extend_schema(responses=CorrectionBody)
    def get(self, request: Request, dataset_id: UUID) -> Response:
        """The corrected file of the dataset as it is now: what was changed and left out, and where to fetch it."""
        return _answer(dataset_get(user=caller(request), dataset_id=dataset_id))

    @extend_schema(request=None, responses={202: CorrectionBody})
    def post(self, request: Request, dataset_id: UUID) -> Response:
        """Ask for a corrected file: a worker writes what can be put right without guessing to a new file."""
        dataset = dataset_get(user=caller(request), dataset_id=dataset_id)
        corrections.correction_request(dataset=dataset)
        nudge_correction(dataset.pk)
        return _answer(dataset, status.HTTP_202_ACCEPTED)


class SavedCorrection(APIView):
    throttle_scope = "create"

    @extend_schema(request=None, responses={201: DatasetBody})
    def post(self, request: Request, dataset_id: UUID) -> Response:
        """Make a dataset of the corrected file; again gives the same one while it is there."""
        dataset = dataset_get(user=caller(request), dataset_id=dataset_id)
        saved = corrections.correction_save(dataset=dataset, actor=f"user:{caller(request).get_username()}")
        nudge_validation(saved.pk)
        return Response({"dataset": DatasetOutput(saved).data}, status=status.HTTP_201_CREATED)


def _answer(dataset: Dataset, code: int = status.HTTP_200_OK) -> Response:
    correction = correction_of(dataset)
    body: dict[str, Any] = {
        "status": correction.status if correction else "none",
        "message": correction.message if correction else "",
        "progress": correction.progress if correction else 0.0,
        "file_size": correction.file_size if correction else None,
        "summary": (correction.summary or None) if correction else None,
        "saved_as": correction.saved_as_id if correction else None,
        "download": None,
    }
    if correction and correction.status == CorrectionStatus.DONE and correction.file_size is not None:
        body["download"] = corrections.correction_download(dataset=dataset)
    return Response(CorrectionBody(body).data, status=code, headers={"Cache-Control": "no-store"})
