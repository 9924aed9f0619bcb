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
