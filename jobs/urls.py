"""Addresses of the pages; those of the API are in jobs.api.urls."""

from django.urls import path

from jobs import views

urlpatterns = [
    path("training/jobs", views.job_list, name="job-list"),
    path("training/jobs/<uuid:job_id>", views.job_detail, name="job-detail"),
    path("training/configure", views.job_configure, name="job-configure"),
]
