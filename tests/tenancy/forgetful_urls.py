"""Views of a programmer who forgot the owner in every query, for tests of what holds then."""

from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.urls import path
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.callers import IsOperator
from datasets.models import Dataset
from lora_pipeline.urls import handler400, handler403, handler404, handler500, urlpatterns

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


def names() -> list[str]:
    """Every dataset that there is."""
    return sorted(Dataset.objects.values_list("name", flat=True))


class Program(APIView):
    def get(self, request: Request) -> Response:
        return Response(names())


class Anybody(Program):
    permission_classes = (AllowAny,)


class Operators(Program):
    permission_classes = (IsOperator,)


class Crashing(APIView):
    def get(self, request: Request) -> Response:
        raise RuntimeError(f"in the middle of {len(names())} rows")


def page(request: HttpRequest) -> JsonResponse:
    assert request.user.is_authenticated
    return JsonResponse(names(), safe=False)


def raw(request: HttpRequest) -> JsonResponse:
    assert request.user.is_authenticated
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM datasets ORDER BY name")
        return JsonResponse([name for (name,) in cursor.fetchall()], safe=False)


class Streamed(APIView):
    """Asks the database again for each line, long after the view has returned."""

    def get(self, request: Request) -> Any:
        def lines() -> Iterator[str]:
            for _ in range(2):
                yield f"{','.join(names())}\n"

        return StreamingHttpResponse(lines())


urlpatterns = [
    *urlpatterns,
    path("api/forgetful/program", Program.as_view()),
    path("api/forgetful/anybody", Anybody.as_view()),
    path("api/forgetful/operators", Operators.as_view()),
    path("api/forgetful/crashing", Crashing.as_view()),
    path("api/forgetful/streamed", Streamed.as_view()),
    path("forgetful/page", page),
    path("forgetful/raw", raw),
]
