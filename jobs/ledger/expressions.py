"""In SQL: the day with which a month begins, or the day itself; and a detail of a bill as text."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func, TextField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import NullIf
from django.db.models.sql.compiler import SQLCompiler

_POSTGRES = {"day": "YYYY-MM-DD", "month": 'YYYY-MM"-01"'}
_SQLITE = {"day": "SUBSTR({}, 1, 10)", "month": "SUBSTR({}, 1, 7) || '-01'"}


class First(Func):
    """The first day of the UTC "day" or "month" of a moment, such as "2026-11-01".

    Django's own functions for that are Python on SQLite, called for each row: a twentieth of a second for ten thousand
    bills, three times a page.
    """

    output_field = TextField()

    def __init__(self, moment: str, *, of: str) -> None:
        super().__init__(moment)
        self.of = of

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *args: Any, **more: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        template = f"TO_CHAR(%(expressions)s AT TIME ZONE 'UTC', '{_POSTGRES[self.of]}')"
        return super().as_sql(compiler, connection, *args, **{"template": template, **more})

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **more: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        """Moments are texts in UTC there."""
        return self.as_sql(compiler, connection, template=_SQLITE[self.of].format("%(expressions)s"), **more)


def detail(name: str) -> NullIf:
    """What a bill's details say under a name, as text; None where they say nothing, on SQLite, too, where JSON's null
    is the text "null"."""
    return NullIf(KT(f"details__{name}"), Value("null"), output_field=TextField())
