from django.urls import path

from datasets.api import views
from datasets.api.correction import DatasetCorrectionView, SavedCorrection
from datasets.api.example import DatasetExample
from datasets.api.files import FindingsCsv, FindingsJsonLines

urlpatterns = [
    path("datasets", views.DatasetList.as_view(), name="api-datasets"),
    path("datasets/import", views.DatasetImport.as_view(), name="api-dataset-import"),
    path("datasets/import/objects", views.ImportObjects.as_view(), name="api-dataset-import-objects"),
    path("datasets/<uuid:dataset_id>", views.DatasetDetail.as_view(), name="api-dataset"),
    path("datasets/<uuid:dataset_id>/ticket", views.DatasetTicket.as_view(), name="api-dataset-ticket"),
    path("datasets/<uuid:dataset_id>/report", views.DatasetFindings.as_view(), name="api-dataset-report"),
    path("datasets/<uuid:dataset_id>/example", DatasetExample.as_view(), name="api-dataset-example"),
    path("datasets/<uuid:dataset_id>/findings.csv", FindingsCsv.as_view(), name="api-findings-csv"),
    path("datasets/<uuid:dataset_id>/findings.jsonl", FindingsJsonLines.as_view(), name="api-findings-jsonl"),
    path("datasets/<uuid:dataset_id>/correction", DatasetCorrectionView.as_view(), name="api-correction"),
    path("datasets/<uuid:dataset_id>/correction/save", SavedCorrection.as_view(), name="api-correction-save"),
    path("datasets/<uuid:dataset_id>/parts", views.DatasetParts.as_view(), name="api-dataset-parts"),
    path("datasets/<uuid:dataset_id>/complete", views.DatasetComplete.as_view(), name="api-dataset-complete"),
    path("datasets/<uuid:dataset_id>/validate", views.DatasetValidate.as_view(), name="api-dataset-validate"),
]
