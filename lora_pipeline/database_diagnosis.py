"""Does row-level security hold the role that this process connects as? A part of the doctor's examination."""

from typing import Any

from datasets.storage.diagnose import Finding
from tenancy.policies import POLICY

NAME = "row-level security"
_ADVICE = "Let DATABASE_URL name a role without these rights: docs/tenancy.md, `manage.py create_database_roles`."


def row_level_security(connection: Any) -> Finding:
    """The finding on Django's `connection`; where the database has no such thing, queries alone keep users apart."""
    if connection.vendor != "postgresql":
        return Finding(NAME, True, f"{connection.display_name} has none: queries alone keep users apart")
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        role, is_superuser, by_passes = cursor.fetchone()
        cursor.execute(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, pg_get_userbyid(c.relowner) = current_user "
            "FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE p.polname = %s ORDER BY c.relname",
            [POLICY],
        )
        tables = cursor.fetchall()
    if is_superuser or by_passes:
        return Finding(NAME, False, f"does not hold {role}, which is {_above(is_superuser)}", _ADVICE)
    if opened := [table for table, is_forced, _ in tables if not is_forced]:
        advice = "Run `ALTER TABLE … ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY` for them."
        return Finding(NAME, False, f"is switched off for {', '.join(opened)}", advice)
    if any(owns for _, _, owns in tables):
        return Finding(NAME, True, f"holds {role}, who owns the tables and could switch it off (docs/tenancy.md)")
    return Finding(NAME, True, f"holds {role} on {len(tables)} tables")


def _above(is_superuser: bool) -> str:
    return "a superuser" if is_superuser else "allowed to by-pass it (BYPASSRLS)"
