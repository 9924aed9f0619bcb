"""Addresses of the pages; those of the API are in datasets.api.urls."""

from django.urls import path

from datasets.views.corrections import dataset_correct, dataset_corrected, dataset_save_corrected
from datasets.views.detail import dataset_delete, dataset_detail, dataset_edit, dataset_validate
from datasets.views.findings import dataset_findings_csv, dataset_findings_jsonl
from datasets.views.imports import dataset_import
from datasets.views.listing import dataset_list

urlpatterns = [
    path("datasets", dataset_list, name="dataset-list"),
    path("datasets/import", dataset_import, name="dataset-import"),
    path("datasets/<uuid:dataset_id>", dataset_detail, name="dataset-detail"),
    path("datasets/<uuid:dataset_id>/findings.csv", dataset_findings_csv, name="dataset-findings-csv"),
    path("datasets/<uuid:dataset_id>/findings.jsonl", dataset_findings_jsonl, name="dataset-findings-jsonl"),
    path("datasets/<uuid:dataset_id>/correct", dataset_correct, name="dataset-correct"),
    path("datasets/<uuid:dataset_id>/corrected", dataset_corrected, name="dataset-corrected"),
    path("datasets/<uuid:dataset_id>/corrected/save", dataset_save_corrected, name="dataset-save-corrected"),
    path("datasets/<uuid:dataset_id>/edit", dataset_edit, name="dataset-edit"),
    path("datasets/<uuid:dataset_id>/validate", dataset_validate, name="dataset-validate"),
    path("datasets/<uuid:dataset_id>/delete", dataset_delete, name="dataset-delete"),
]
