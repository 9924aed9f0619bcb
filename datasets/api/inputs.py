"""What clients send."""

from rest_framework import serializers

from datasets.importable import PAGE
from datasets.models import DatasetFormat, DatasetStatus
from datasets.multipart import MAX_PARTS

MAX_TICKETS = 100  # parts per request


class ListQuery(serializers.Serializer[None]):
    status = serializers.ChoiceField(choices=DatasetStatus.choices, required=False, help_text="only these")


class UploadInput(serializers.Serializer[None]):
    name = serializers.CharField(max_length=200)
    description = serializers.CharField(max_length=5000, required=False, allow_blank=True, default="")
    file_name = serializers.CharField(max_length=255)
    file_size = serializers.IntegerField(min_value=1, help_text="bytes, exactly; storage refuses any other size")
    format = serializers.ChoiceField(
        choices=DatasetFormat.choices, required=False, help_text="shown until the validation finds it in the file"
    )
    fingerprint = serializers.CharField(
        max_length=100,
        required=False,
        allow_blank=True,
        default="",
        help_text="what tells you this file from others, given back as upload_fingerprint to go on with an upload",
    )


class PartsInput(serializers.Serializer[None]):
    part_numbers = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MAX_PARTS), min_length=1, max_length=MAX_TICKETS
    )


class ImportInput(serializers.Serializer[None]):
    path = serializers.CharField(max_length=1024, trim_whitespace=False, help_text="key of an object in training-files")
    name = serializers.CharField(max_length=200, required=False, help_text="absent: the file's name")
    description = serializers.CharField(max_length=5000, required=False, allow_blank=True, default="")


class ChangeInput(serializers.Serializer[None]):
    name = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(max_length=5000, required=False, allow_blank=True)


class ImportableQuery(serializers.Serializer[None]):
    prefix = serializers.CharField(default="", max_length=1024, trim_whitespace=False, allow_blank=True)
    after = serializers.CharField(default="", max_length=1024, trim_whitespace=False, allow_blank=True)
    limit = serializers.IntegerField(min_value=1, max_value=1000, default=100)


class FolderQuery(serializers.Serializer[None]):
    prefix = serializers.CharField(
        default="", max_length=1024, trim_whitespace=False, allow_blank=True, help_text="a folder; ends with “/”"
    )
    search = serializers.CharField(
        default="", max_length=200, allow_blank=True, help_text="only entries whose name contains it, in any case"
    )
    cursor = serializers.CharField(default="", max_length=1024, trim_whitespace=False, allow_blank=True)
    limit = serializers.IntegerField(min_value=1, max_value=1000, default=PAGE)
