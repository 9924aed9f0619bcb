"""What can be chosen for a new job: GPU types, base models, presets."""

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs import presets, selectors
from jobs.api.outputs.catalog import BaseModelOutput, GpuTypeOutput, PresetOutput, gpu_type_json


class GpuTypesView(APIView):
    @extend_schema(responses=inline_serializer("GpuTypesAnswer", {"gpu_types": GpuTypeOutput(many=True)}))
    def get(self, request: Request) -> Response:
        """The GPU types on offer, dearest first."""
        return Response({"gpu_types": [gpu_type_json(gpu) for gpu in selectors.gpu_types()]})


class BaseModelsView(APIView):
    @extend_schema(responses=inline_serializer("BaseModelsAnswer", {"base_models": BaseModelOutput(many=True)}))
    def get(self, request: Request) -> Response:
        """The base models on offer, the default first."""
        return Response({"base_models": BaseModelOutput(selectors.base_models(), many=True).data})


class PresetsView(APIView):
    @extend_schema(responses=inline_serializer("PresetsAnswer", {"presets": PresetOutput}))
    def get(self, request: Request) -> Response:
        """The presets, the default first, each with every hyperparameter."""
        return Response(
            {
                "presets": [
                    {
                        "id": preset.id,
                        "label": preset.label,
                        "description": preset.description,
                        "is_default": preset.id == presets.DEFAULT_PRESET,
                        "hyperparameters": presets.resolve(preset.id, {}),
                    }
                    for preset in presets.PRESETS.values()
                ]
            }
        )
