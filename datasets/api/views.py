"""/api/datasets: upload straight to storage, import in place, read, rename, delete, validate again."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from datasets import findings, importable, multipart, services
from datasets.api.inputs import (
    ChangeInput,
    FolderQuery,
    ImportableQuery,
    ImportInput,
    ListQuery,
    PartsInput,
    UploadInput,
)
from datasets.api.outputs import (
    DatasetBody,
    DatasetOutput,
    DatasetSummary,
    FolderBody,
    ImportableBody,
    PartsPlan,
    PartTicketOutput,
    PartTicketsBody,
    ReportBody,
    StoredPart,
    StoredPartsBody,
    UploadBody,
    UploadOutput,
)
from datasets.models import Dataset
from datasets.selectors import LONG_FIELDS, dataset_get, visible_to
from datasets.storage.base import UploadTicket
from datasets.tasks import nudge_validation


class LimitedCreation(APIView):
    """POST counts against the throttle for creation; reading does not."""

    @property
    def throttle_scope(self) -> str | None:
        return "create" if self.request.method == "POST" else None


class DatasetList(LimitedCreation, ListAPIView[Dataset]):
    serializer_class = DatasetSummary
    list_key = "datasets"

    def get_queryset(self) -> Any:
        only = _validated(ListQuery(data=self.request.query_params))
        return visible_to(caller(self.request)).filter(**only).defer(*LONG_FIELDS)

    @extend_schema(parameters=[ListQuery])
    def get(self, request: Request) -> Response:
        """Your datasets, the newest first."""
        return self.list(request)

    @extend_schema(request=UploadInput, responses={201: UploadBody})
    def post(self, request: Request) -> Response:
        """Announce a file and get a ticket to send it straight to storage; then POST …/complete."""
        values = _validated(UploadInput(data=request.data))
        return _ticket(*services.dataset_create_upload(owner=caller(request), **values), status.HTTP_201_CREATED)


class DatasetDetail(APIView):
    @extend_schema(responses=DatasetBody)
    def get(self, request: Request, dataset_id: UUID) -> Response:
        """A dataset with its findings and sample."""
        return _answer(dataset_get(user=caller(request), dataset_id=dataset_id))

    @extend_schema(request=ChangeInput, responses=DatasetBody)
    def patch(self, request: Request, dataset_id: UUID) -> Response:
        """Change its name or description."""
        dataset = dataset_get(user=caller(request), dataset_id=dataset_id)
        return _answer(services.dataset_update(dataset=dataset, **_validated(ChangeInput(data=request.data))))

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, dataset_id: UUID) -> Response:
        """Remove it from your datasets. Its file stays in storage; parts of an unfinished upload do not."""
        dataset = dataset_get(user=caller(request), dataset_id=dataset_id)
        services.dataset_delete(dataset=dataset, actor=_actor(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class DatasetFindings(APIView):
    @extend_schema(responses=ReportBody)
    def get(self, request: Request, dataset_id: UUID) -> Response:
        """What its last validation found: counts by kind, and the first findings with the text they are about."""
        dataset = dataset_get(user=caller(request), dataset_id=dataset_id)
        return Response(ReportBody(findings.findings(dataset)).data)


class DatasetTicket(APIView):
    @extend_schema(request=None, responses=UploadBody)
    def post(self, request: Request, dataset_id: UUID) -> Response:
        """A new ticket, where the first one expired before the file was sent."""
        dataset = dataset_get(user=caller(request), dataset_id=dataset_id)
        return _ticket(dataset, services.dataset_renew_ticket(dataset=dataset))


class DatasetParts(APIView):
    """An upload in parts, which can pause and go on: ask for tickets, send the parts, POST …/complete."""

    @extend_schema(responses=StoredPartsBody)
    def get(self, request: Request, dataset_id: UUID) -> Response:
        """How its file is cut into parts, and which of them have arrived: an upload goes on with the others."""
        dataset = dataset_get(user=caller(request), dataset_id=dataset_id)
        stored = multipart.stored_parts(dataset)
        body = {**PartsPlan(multipart.plan(dataset)).data, "parts": StoredPart(stored, many=True).data}
        return Response(body, headers={"Cache-Control": "no-store"})

    @extend_schema(request=PartsInput, responses=PartTicketsBody)
    def post(self, request: Request, dataset_id: UUID) -> Response:
        """Tickets to send parts straight to storage, up to 100 at a time; a part sent again replaces itself."""
        dataset = dataset_get(user=caller(request), dataset_id=dataset_id)
        tickets = multipart.sign_parts(dataset, **_validated(PartsInput(data=request.data)))
        body = {"parts": PartTicketOutput(tickets, many=True).data}
        return Response(body, headers={"Cache-Control": "no-store"})


class DatasetComplete(APIView):
    @extend_schema(request=None, responses=DatasetBody)
    def post(self, request: Request, dataset_id: UUID) -> Response:
        """The file, or each of its parts, was sent: verify it and start the validation. Again is harmless."""
        dataset = dataset_get(user=caller(request), dataset_id=dataset_id)
        dataset = services.dataset_complete(dataset=dataset, actor=_actor(request))
        return _answer_and_validate(dataset)


class DatasetValidate(APIView):
    @extend_schema(request=None, responses=DatasetBody)
    def post(self, request: Request, dataset_id: UUID) -> Response:
        """Validate it again, as its file lies in storage now."""
        dataset = dataset_get(user=caller(request), dataset_id=dataset_id)
        return _answer_and_validate(services.dataset_revalidate(dataset=dataset, actor=_actor(request)))


class DatasetImport(LimitedCreation):
    @extend_schema(parameters=[ImportableQuery], responses=ImportableBody)
    def get(self, request: Request) -> Response:
        """Objects of training-files that you may import, in the order of their paths."""
        query = _validated(ImportableQuery(data=request.query_params))
        page = importable.importable_objects(user=caller(request), **query)
        return Response(ImportableBody(page).data)

    @extend_schema(request=ImportInput, responses={201: DatasetBody})
    def post(self, request: Request) -> Response:
        """Make a dataset of such an object; it is used where it lies."""
        values = _validated(ImportInput(data=request.data))
        dataset = services.dataset_import(owner=caller(request), **values)
        return _answer_and_validate(dataset, status.HTTP_201_CREATED)


class ImportObjects(APIView):
    @extend_schema(parameters=[FolderQuery], responses=FolderBody)
    def get(self, request: Request) -> Response:
        """What lies directly in a folder of training-files; without a prefix, the folders from which you may start."""
        query = _validated(FolderQuery(data=request.query_params))
        listing = importable.browse(
            user=caller(request),
            folder=query["prefix"],
            search=query["search"],
            cursor=query["cursor"],
            limit=query["limit"],
        )
        return Response(FolderBody(listing).data)


def _validated(form: serializers.Serializer[Any]) -> dict[str, Any]:
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def _actor(request: Request) -> str:
    return f"user:{caller(request).get_username()}"


def _ticket(dataset: Dataset, ticket: UploadTicket, code: int = status.HTTP_200_OK) -> Response:
    body = {
        "dataset": DatasetOutput(dataset).data,
        "upload": UploadOutput(ticket).data,
        "parts": PartsPlan(multipart.plan(dataset)).data,
    }
    return Response(body, status=code, headers={"Cache-Control": "no-store"})


def _answer(dataset: Dataset, code: int = status.HTTP_200_OK) -> Response:
    return Response({"dataset": DatasetOutput(dataset).data}, status=code)


def _answer_and_validate(dataset: Dataset, code: int = status.HTTP_200_OK) -> Response:
    nudge_validation(dataset.pk)
    return _answer(dataset, code)
