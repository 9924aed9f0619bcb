"""Addresses of the pages; those of the API are in datasets.api.urls."""

from django.urls import path

from datasets import views

urlpatterns = [
    path("datasets", views.dataset_list, name="dataset-list"),
    path("datasets/<uuid:dataset_id>", views.dataset_detail, name="dataset-detail"),
    path("datasets/<uuid:dataset_id>/edit", views.dataset_edit, name="dataset-edit"),
    path("datasets/<uuid:dataset_id>/validate", views.dataset_validate, name="dataset-validate"),
    path("datasets/<uuid:dataset_id>/delete", views.dataset_delete, name="dataset-delete"),
]
