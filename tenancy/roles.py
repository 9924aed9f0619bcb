"""What a role needs that serves requests or works, and no more: rows, but no table of its own and no way round RLS."""

from dataclasses import dataclass
from typing import Any

from psycopg import sql

ROWS = "SELECT, INSERT, UPDATE, DELETE"


class CannotRestrict(Exception):
    """The role has more rights than it may have; the message says what to do."""


@dataclass(frozen=True)
class Role:
    name: str
    password: str


def grant(connection: Any, role: Role) -> bool:
    """Create `role` where it is missing, and let it read and write the rows of every table there is and will be.

    `connection` is Django's, to the migrated database, as the role that migrates. Returns whether the role is new.
    Again is harmless. Raises CannotRestrict for a role that row-level security would not hold.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_database(), current_schema()")
        migrating, database, schema = cursor.fetchone()
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s", (role.name,))
        found = cursor.fetchone()
        if role.name == migrating:
            raise CannotRestrict(f"{role.name} migrates and owns the tables: choose another name for this role.")
        if found is not None and found[0]:
            raise CannotRestrict(f"{role.name} by-passes row-level security: choose a role that is not a superuser.")
        secret = _encrypted(cursor, role)
        names = {
            "role": sql.Identifier(role.name),
            "secret": sql.Literal(secret),
            "database": sql.Identifier(database),
            "schema": sql.Identifier(schema),
            "rows": sql.SQL(ROWS),
        }
        for statement in (
            "CREATE ROLE {role} LOGIN PASSWORD {secret}" if found is None else "ALTER ROLE {role} PASSWORD {secret}",
            "GRANT CONNECT ON DATABASE {database} TO {role}",
            "GRANT USAGE ON SCHEMA {schema} TO {role}",
            "GRANT {rows} ON ALL TABLES IN SCHEMA {schema} TO {role}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
            # Tables of later migrations:
            "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {rows} ON TABLES TO {role}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {role}",
            "REVOKE INSERT, UPDATE, DELETE ON {schema}.django_migrations FROM {role}",
        ):
            cursor.execute(sql.SQL(statement).format(**names))
    return found is None


def _encrypted(cursor: Any, role: Role) -> str:
    """The password as the server stores it: in clear it would stand in the server's log."""
    return str(cursor.connection.pgconn.encrypt_password(role.password.encode(), role.name.encode()).decode())
