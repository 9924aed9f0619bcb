"""Row-level security as a migration operation. On SQLite, which has none, it does nothing.

A table that is closed shows and takes only rows of who looks (`tenancy.viewer`), which each connection says by the
session setting SETTING: a user's id, "all", or nothing, which shows nothing. FORCE holds the table's owner to it as
well; superusers and roles with BYPASSRLS are never held.
"""

from typing import Any

from django.db.migrations.operations.base import Operation, OperationCategory

SETTING = "lora.user"
POLICY = "of_its_owner"

# In sub-selects, so that all is worked out once per query and not per row. Never set it reads NULL, and '' later.
_LOOKING = f"current_setting('{SETTING}', true)"
_ONE_USER = f"(SELECT NULLIF(NULLIF({_LOOKING}, ''), 'all')::bigint)"
_EVERYBODY = f"(SELECT {_LOOKING} = 'all')"


class CloseToOthers(Operation):
    """Close `table`, whose rows belong to the user in the column `owner`."""

    reversible = True
    category = OperationCategory.SQL
    elidable = False

    def __init__(self, table: str, owner: str = "owner_id") -> None:
        self.table = table
        self.owner = owner

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Models stay what they are."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        quote = schema_editor.quote_name
        self._run(
            schema_editor,
            f"CREATE POLICY {POLICY} ON {quote(self.table)} USING ({quote(self.owner)} = {_ONE_USER} OR {_EVERYBODY})",
            f"ALTER TABLE {quote(self.table)} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {quote(self.table)} FORCE ROW LEVEL SECURITY",
        )

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = schema_editor.quote_name(self.table)
        self._run(
            schema_editor,
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
            f"DROP POLICY {POLICY} ON {table}",
        )

    def describe(self) -> str:
        return f"Close {self.table} to all but each row's {self.owner}"

    def _run(self, schema_editor: Any, *statements: str) -> None:
        if schema_editor.connection.vendor == "postgresql":
            for statement in statements:
                schema_editor.execute(statement, params=None)
