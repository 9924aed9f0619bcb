"""Every table whose rows have an owner is closed by a migration; no model is forgotten."""

from django.apps import apps
from django.contrib.auth.models import User
from django.db import models
from django.db.migrations.loader import MigrationLoader

from tenancy.policies import CloseToOthers
from tests.tenancy.conftest import OUR_APPS


def owned_tables() -> dict[str, str]:
    """Table → the column with a row's owner."""
    found = {}
    for model in (model for app in OUR_APPS for model in apps.get_app_config(app).get_models()):
        for field in model._meta.concrete_fields:
            if isinstance(field, models.ForeignKey) and field.remote_field.model is User:
                assert model._meta.db_table not in found, f"{model} has two users: which one owns the row?"
                found[model._meta.db_table] = str(field.column)
    return found


def test_every_table_with_an_owner_is_closed_to_others() -> None:
    operations = [
        operation
        for (app, _), migration in sorted(MigrationLoader(None).disk_migrations.items())
        if app in OUR_APPS
        for operation in migration.operations
        if isinstance(operation, CloseToOthers)
    ]
    assert {operation.table: operation.owner for operation in operations} == owned_tables(), (
        "Each table whose rows belong to a user needs `tenancy.policies.CloseToOthers(table, owner=column)` in a "
        "migration, so that PostgreSQL shows its rows to nobody else."
    )


def test_what_hangs_on_an_owned_row_names_its_owner_too() -> None:
    """A child without an owner of its own could not be closed."""
    owned = owned_tables()
    for model in (model for app in OUR_APPS for model in apps.get_app_config(app).get_models()):
        parents = {
            field.remote_field.model._meta.db_table
            for field in model._meta.concrete_fields
            if isinstance(field, models.ForeignKey)
        }
        assert not parents & set(owned) or model._meta.db_table in owned, f"{model._meta.label} has no owner"


# Unique keys that hold neither an owner nor anything of one's own: two users could meet at them.
MADE_BY_US = {
    "accounts.ApiToken": {("digest",)},  # the hash of a long random text
    "jobs.JobAttempt": {("submission_key",)},  # begins with the job's id
    "jobs.TrainingJob": {("cluster", "external_job_id")},  # named by the cluster; written by workers and operators
}


def test_no_unique_key_tells_a_user_what_another_one_has() -> None:
    """Uniqueness is checked among all rows, also those that row-level security hides: a clash would be an answer."""
    for model in (model for app in OUR_APPS for model in apps.get_app_config(app).get_models()):
        fields = {field.name: field for field in model._meta.concrete_fields}
        keys: set[tuple[str, ...]] = {
            (name,) for name, field in fields.items() if field.unique and not isinstance(field, models.UUIDField)
        }
        keys |= {tuple(c.fields) for c in model._meta.constraints if isinstance(c, models.UniqueConstraint)}
        shared = {
            key
            for key in keys
            if not any(isinstance(fields[name], models.ForeignKey | models.AutoField) for name in key)
        }
        if model._meta.db_table in owned_tables():
            assert shared == MADE_BY_US.get(model._meta.label, set()), model._meta.label
