"""Django's PostgreSQL backend, whose connections know who looks: policies read it (tenancy.policies).

The session setting is made anew before the first query of each viewer: a connection that served alice is told that
bob, or nobody, looks before anything else is asked of it. Nothing has to be remembered at the end of a request, and
a crash leaves nothing open. A pooler between us and the server has to pool by session, not by transaction.
"""

from collections.abc import Callable
from typing import Any

from django.db.backends.postgresql import base

from tenancy import viewer
from tenancy.policies import SETTING


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._told: str | None = None  # what the server knows; None: not sure
        self.execute_wrappers.append(self._tell_viewer)

    def _tell_viewer(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        looking = viewer.now()
        # In a transaction that is broken any statement fails; let it be the one that was asked for.
        if looking != self._told and not self.needs_rollback:
            with self.wrap_database_errors, self.connection.cursor() as cursor:
                cursor.execute("SELECT set_config(%s, %s, false)", (SETTING, looking))
            self._told = looking
        return execute(sql, params, many, context)

    def init_connection_state(self) -> None:
        self._told = None
        super().init_connection_state()

    # What was set inside of a transaction is gone with it.

    def _rollback(self) -> None:
        self._told = None
        super()._rollback()  # type: ignore[misc]  # not in the stubs

    def _savepoint_rollback(self, sid: str) -> None:
        self._told = viewer.now()  # the way out of a broken transaction takes no other statement first
        try:
            super()._savepoint_rollback(sid)  # type: ignore[misc]
        finally:
            self._told = None

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]
        except BaseException:
            self._told = None
            raise
