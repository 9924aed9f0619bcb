"""Addresses of the pages; those of the API are in jobs.api.urls."""

from django.urls import path

from jobs.views.compare import job_compare
from jobs.views.configure import configure_dataset, job_configure
from jobs.views.costs import costs
from jobs.views.detail import job_detail
from jobs.views.list import job_list

urlpatterns = [
    path("training/jobs", job_list, name="job-list"),
    path("training/jobs/<uuid:job_id>", job_detail, name="job-detail"),
    path("training/compare", job_compare, name="job-compare"),
    path("training/configure", job_configure, name="job-configure"),
    path("training/configure/datasets/<uuid:dataset_id>", configure_dataset, name="configure-dataset"),
    path("costs", costs, name="costs"),
]
