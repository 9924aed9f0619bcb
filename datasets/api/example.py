"""/api/datasets/{id}/example: any example of the file, as the page shows it."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import caller
from datasets.api.outputs import SampleExample
from datasets.exceptions import FieldInvalid, NoExamples
from datasets.preview import LARGEST_SEED, ORDERS, Asked, preview
from datasets.selectors import dataset_get

LARGEST = 10**12 - 1


class ExampleQuery(serializers.Serializer[None]):
    order = serializers.ChoiceField(choices=ORDERS, required=False, help_text="absent: the file's own")
    number = serializers.IntegerField(min_value=1, max_value=LARGEST, required=False, help_text="in that order, from 1")
    seed = serializers.IntegerField(
        min_value=1, max_value=LARGEST_SEED, required=False, help_text="of the random order: the same gives the same"
    )
    line = serializers.IntegerField(
        min_value=1,
        max_value=LARGEST,
        required=False,
        help_text="instead of number: the example on this line, or the next behind it, or the last",
    )


class ExampleBody(SampleExample):
    order = serializers.ChoiceField(choices=ORDERS, allow_blank=True, help_text="empty: the file's own")
    seed = serializers.IntegerField()
    number = serializers.IntegerField(help_text="in that order, from 1")
    count = serializers.IntegerField(help_text="examples that the order has")
    example = serializers.IntegerField(help_text="its number in the file")
    total = serializers.IntegerField(help_text="examples in the file")
    line = serializers.IntegerField(allow_null=True, help_text="null: not known")
    tokens = serializers.IntegerField(allow_null=True, help_text="an estimate; null: not known")
    note = serializers.CharField(allow_blank=True, help_text="where the line that was asked for holds no example")


class DatasetExample(APIView):
    @extend_schema(parameters=[ExampleQuery], responses=ExampleBody)
    def get(self, request: Request, dataset_id: UUID) -> Response:
        """One example: by its number, by its line, of the longest, of the shortest, or at random."""
        dataset = dataset_get(user=caller(request), dataset_id=dataset_id)
        query = ExampleQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = Asked(**query.validated_data)
        seen = preview(dataset, wanted)
        if seen is None:
            raise NoExamples("No usable example of this dataset is known: see its status and its report.")
        if seen.problem is not None:
            raise seen.problem
        if not wanted.line and wanted.number != seen.number:
            raise FieldInvalid("number", f"There is no example {wanted.number}: there are {seen.count}.")
        body: Any = seen
        return Response(ExampleBody(body).data)
