"""What clients get. A list leaves out what is long: findings and sample."""

from typing import Any

from rest_framework import serializers

from datasets.findings import Findings, Kind
from datasets.importable import Entry, ImportablePage, Listing
from datasets.models import CorrectionStatus, Dataset, DatasetFormat
from datasets.multipart import Plan
from datasets.storage.base import SignedUrl, UploadTicket


class ProblemOutput(serializers.Serializer[None]):
    line = serializers.IntegerField(allow_null=True, help_text="from 1; null: the whole file")
    field = serializers.CharField(allow_blank=True, help_text="such as messages[2].role or conversations[2].value")
    error = serializers.CharField()
    suggestion = serializers.CharField()


class SampleMessage(serializers.Serializer[None]):
    role = serializers.CharField()
    content = serializers.CharField(allow_blank=True)
    tool_calls = serializers.ListField(child=serializers.CharField(), required=False)


class SampleExample(serializers.Serializer[None]):
    messages = SampleMessage(many=True)
    omitted = serializers.IntegerField(help_text="messages left out")


class DatasetSummary(serializers.ModelSerializer[Dataset]):
    owner = serializers.CharField(source="owner.username")
    format = serializers.ChoiceField(
        choices=DatasetFormat.choices, allow_blank=True, help_text="found by the validation; empty: not known"
    )

    class Meta:
        model = Dataset
        fields = [
            "id",
            "owner",
            "name",
            "description",
            "format",
            "status",
            "storage_bucket",
            "storage_path",
            "file_name",
            "file_size",
            "upload_fingerprint",
            "etag",
            "sha256",
            "total_training_pairs",
            "total_validation_pairs",
            "total_tokens",
            "tokens_estimated",
            "avg_turns",
            "avg_tokens",
            "training_ready",
            "validated_at",
            "validation_progress",
            "validated_lines",
            "validated_bytes",
            "validation_error_count",
            "validation_warning_count",
            "waiting_for",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields


class DatasetOutput(DatasetSummary):
    validation_errors = ProblemOutput(many=True, help_text="the first 100")
    validation_warnings = ProblemOutput(many=True, help_text="the first 100")
    sample = SampleExample(many=True, help_text="the first three examples, shortened")

    class Meta(DatasetSummary.Meta):
        fields = [*DatasetSummary.Meta.fields, "validation_errors", "validation_warnings", "sample"]
        read_only_fields = fields


class UploadOutput(serializers.Serializer[UploadTicket]):
    """Send the file's bytes: `method` to `url` with exactly these headers, before it expires."""

    method = serializers.CharField()
    url = serializers.URLField()
    headers = serializers.DictField(child=serializers.CharField())
    expires_at = serializers.DateTimeField()


class PartsPlan(serializers.Serializer[Plan]):
    """How the file is cut: all parts have `part_size` bytes but the last one."""

    part_size = serializers.IntegerField(help_text="bytes")
    part_count = serializers.IntegerField(source="count")


class StoredPart(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="from 1")
    size = serializers.IntegerField(help_text="bytes")
    etag = serializers.CharField(help_text="as storage writes it: of most it is the part's MD5 in quotes")


class StoredPartsBody(PartsPlan):
    parts = StoredPart(many=True, help_text="those that have arrived")


class PartTicketOutput(serializers.Serializer[Any]):
    """Send the part's bytes: `method` to `url` with exactly these headers, before it expires."""

    number = serializers.IntegerField(help_text="from 1")
    size = serializers.IntegerField(help_text="bytes, exactly; storage refuses any other size")
    method = serializers.CharField(source="ticket.method")
    url = serializers.URLField(source="ticket.url")
    headers = serializers.DictField(child=serializers.CharField(), source="ticket.headers")
    expires_at = serializers.DateTimeField(source="ticket.expires_at")


class PartTicketsBody(serializers.Serializer[None]):
    parts = PartTicketOutput(many=True)


class DatasetBody(serializers.Serializer[None]):
    dataset = DatasetOutput()


class UploadBody(serializers.Serializer[None]):
    dataset = DatasetOutput()
    upload = UploadOutput(help_text="to send the file in one piece")
    parts = PartsPlan(help_text="to send it in parts instead: POST …/parts")


class ImportableObject(serializers.Serializer[None]):
    path = serializers.CharField()
    size = serializers.IntegerField(help_text="bytes")
    last_modified = serializers.DateTimeField()


class ImportableBody(serializers.Serializer[ImportablePage]):
    objects = ImportableObject(many=True)
    prefixes = serializers.ListField(child=serializers.CharField(), help_text="where you may import")
    next_after = serializers.CharField(allow_null=True, help_text="pass as `after` for more; null: no more")


class FolderEntry(serializers.Serializer[Entry]):
    path = serializers.CharField(source="info.path")
    name = serializers.CharField()
    size = serializers.IntegerField(source="info.size", help_text="bytes")
    last_modified = serializers.DateTimeField(source="info.last_modified")
    dataset_id = serializers.UUIDField(
        source="imported.pk", default=None, allow_null=True, help_text="the newest of your datasets on it; null: none"
    )
    changed = serializers.BooleanField(help_text="whether the file has changed since that dataset was validated")


class FolderBody(serializers.Serializer[Listing]):
    prefix = serializers.CharField(source="folder", allow_blank=True)
    folders = serializers.ListField(child=serializers.CharField(), help_text="paths; each ends with “/”")
    objects = FolderEntry(source="entries", many=True)
    hidden = serializers.IntegerField(help_text="entries of this page that cannot be imported: empty or oddly named")
    prefixes = serializers.ListField(child=serializers.CharField(), help_text="where you may import")
    next_cursor = serializers.CharField(allow_null=True, help_text="pass as `cursor` for more; null: no more")


class FindingExcerpt(serializers.Serializer[Any]):
    """The faulty line is `before` + `mark` + `after`, cut with “…”; what cannot be seen has a sign, such as ␉."""

    before = serializers.CharField(allow_blank=True)
    mark = serializers.CharField(allow_blank=True, help_text="the place; empty: none is known")
    after = serializers.CharField(allow_blank=True)
    previous = serializers.CharField(
        allow_null=True, allow_blank=True, help_text="the line before; null: there is none"
    )
    next = serializers.CharField(allow_null=True, allow_blank=True, help_text="the line behind; null: there is none")


class FindingOutput(ProblemOutput):
    severity = serializers.ChoiceField(choices=["error", "warning"])
    kind = serializers.CharField(default="", allow_blank=True, help_text="what it has in common with others")
    excerpt = FindingExcerpt(default=None, allow_null=True, help_text="null: the finding is about no line")


class KindOutput(serializers.Serializer[Kind]):
    kind = serializers.CharField()
    severity = serializers.ChoiceField(choices=["error", "warning"])
    count = serializers.IntegerField()


class ReportBody(serializers.Serializer[Findings]):
    validated_at = serializers.DateTimeField(allow_null=True)
    error_count = serializers.IntegerField()
    warning_count = serializers.IntegerField()
    kinds = KindOutput(many=True, help_text="all there are; empty where the validation is older than reports")
    findings = FindingOutput(many=True, help_text="the first 100 of each severity, and some of each kind")


class CorrectionChange(serializers.Serializer[Any]):
    what = serializers.CharField()
    count = serializers.IntegerField()


class CorrectionLeftOut(serializers.Serializer[Any]):
    reason = serializers.CharField()
    count = serializers.IntegerField()
    lines = serializers.ListField(child=serializers.IntegerField(), help_text="the first 20, from 1")


class CorrectionSummary(serializers.Serializer[Any]):
    unit = serializers.ChoiceField(
        choices=["line", "value"], help_text="what is counted: values of a JSON array, or lines"
    )
    read = serializers.IntegerField()
    written = serializers.IntegerField()
    changes = CorrectionChange(many=True)
    left_out = CorrectionLeftOut(many=True)
    notes = serializers.ListField(child=serializers.CharField())


class CorrectionDownload(serializers.Serializer[SignedUrl]):
    url = serializers.URLField()
    expires_at = serializers.DateTimeField()


class CorrectionBody(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=[("none", "not asked for"), *CorrectionStatus.choices])
    message = serializers.CharField(allow_blank=True, help_text="why it is not possible, or nothing moves")
    progress = serializers.FloatField(help_text="0-100")
    file_size = serializers.IntegerField(allow_null=True, help_text="bytes; null: not written, or it would be the same")
    summary = CorrectionSummary(allow_null=True)
    saved_as = serializers.UUIDField(allow_null=True, help_text="the dataset that was made of it")
    download = CorrectionDownload(allow_null=True)
