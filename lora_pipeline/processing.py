"""The API's word on whether jobs are being processed, for pages that stay open and for scripts."""

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lora_pipeline import cycle


class ProcessingView(APIView):
    @extend_schema(
        responses=inline_serializer(
            "ProcessingAnswer",
            {
                "ok": serializers.BooleanField(help_text="false: Beat or the workers stand still, so jobs do not move"),
                "message": serializers.CharField(help_text="when the last processing cycle started"),
            },
        )
    )
    def get(self, request: Request) -> Response:
        """Whether jobs are being processed."""
        found = cycle.finding(starting=cycle.is_starting())
        return Response({"ok": found.ok, "message": found.message})
