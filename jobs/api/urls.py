"""Addresses of the jobs API, below /api/."""

from django.urls import path, register_converter

from jobs.api import (
    archive,
    callbacks,
    catalog,
    comparison,
    costs,
    diagnostics,
    history,
    jobs,
    metrics,
    operations,
    plots,
)

register_converter(plots.ChartName, "chart")

urlpatterns = [
    path("jobs", jobs.JobListView.as_view(), name="api-jobs"),
    path("jobs/estimate", jobs.JobEstimateView.as_view(), name="api-job-estimate"),
    path("jobs/compare", comparison.JobCompareView.as_view(), name="api-job-compare"),
    path("jobs/compare.csv", comparison.JobCompareCsvView.as_view(), name="api-job-compare-csv"),
    path("jobs/<uuid:job_id>", jobs.JobDetailView.as_view(), name="api-job"),
    path("jobs/<uuid:job_id>/cancel", jobs.JobCancelView.as_view(), name="api-job-cancel"),
    path("jobs/<uuid:job_id>/retry", jobs.JobRetryView.as_view(), name="api-job-retry"),
    path("jobs/<uuid:job_id>/metrics", metrics.JobMetricsView.as_view(), name="api-job-metrics"),
    path("jobs/<uuid:job_id>/metrics.csv", metrics.JobMetricsCsvView.as_view(), name="api-job-metrics-csv"),
    path("jobs/<uuid:job_id>/<chart:chart>.png", plots.JobChartPngView.as_view(), name="api-job-chart-png"),
    path("jobs/<uuid:job_id>/<chart:chart>.svg", plots.JobChartSvgView.as_view(), name="api-job-chart-svg"),
    path("jobs/<uuid:job_id>/<chart:chart>.pdf", plots.JobChartPdfView.as_view(), name="api-job-chart-pdf"),
    path("jobs/<uuid:job_id>/<chart:chart>.csv", plots.JobChartCsvView.as_view(), name="api-job-chart-csv"),
    path("jobs/<uuid:job_id>/events", history.JobEventsView.as_view(), name="api-job-events"),
    path("jobs/<uuid:job_id>/logs", history.JobLogsView.as_view(), name="api-job-logs"),
    path("jobs/<uuid:job_id>/checkpoints", history.JobCheckpointsView.as_view(), name="api-job-checkpoints"),
    path("jobs/<uuid:job_id>/configuration", history.JobConfigurationView.as_view(), name="api-job-configuration"),
    path("jobs/<uuid:job_id>/artifact", history.JobArtifactView.as_view(), name="api-job-artifact"),
    path("jobs/<uuid:job_id>/artifact/archive", archive.JobArtifactArchiveView.as_view(), name="api-job-archive"),
    path("jobs/<uuid:job_id>/diagnostics", diagnostics.JobDiagnosticsView.as_view(), name="api-job-diagnostics"),
    path("jobs/<uuid:job_id>/attach", operations.JobAttachView.as_view(), name="api-job-attach"),
    path(
        "jobs/<uuid:job_id>/declare-not-started",
        operations.JobDeclareNotStartedView.as_view(),
        name="api-job-declare-not-started",
    ),
    path("process-training-jobs", operations.ProcessView.as_view(), name="api-process-training-jobs"),
    path("gpu-types", catalog.GpuTypesView.as_view(), name="api-gpu-types"),
    path("base-models", catalog.BaseModelsView.as_view(), name="api-base-models"),
    path("presets", catalog.PresetsView.as_view(), name="api-presets"),
    path("costs", costs.CostListView.as_view(), name="api-costs"),
    path("costs.csv", costs.CostCsvView.as_view(), name="api-costs-csv"),
    path("costs/summary", costs.CostSummaryView.as_view(), name="api-costs-summary"),
    path("callback/<uuid:job_id>/<int:attempt>/uploads", callbacks.UploadsView.as_view(), name="callback-uploads"),
    path("callback/<uuid:job_id>/<int:attempt>/events", callbacks.EventsView.as_view(), name="callback-events"),
    path("callback/<uuid:job_id>/<int:attempt>/dataset", callbacks.DatasetUrlView.as_view(), name="callback-dataset"),
    path(
        "callback/<uuid:job_id>/<int:attempt>/checkpoint",
        callbacks.CheckpointUrlsView.as_view(),
        name="callback-checkpoint",
    ),
    path(
        "callback/<uuid:job_id>/<int:attempt>/base-model",
        callbacks.BaseModelUrlsView.as_view(),
        name="callback-base-model",
    ),
]
