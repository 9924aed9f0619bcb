"""Which DSN a process connects with: the web server's, the workers', or that of the role that migrates.

Each falls back to DATABASE_URL, so that a small installation needs one. docs/tenancy.md says what separate roles
are good for.
"""

from collections.abc import Sequence
from pathlib import PurePath

WEB, WORKER, MIGRATE = "DATABASE_URL", "WORKER_DATABASE_URL", "MIGRATE_DATABASE_URL"

_MIGRATING = {"migrate", "create_database_roles"}
_WORKING = {"worker", "beat"}


def variable_for(command: Sequence[str]) -> str:
    """The environment variable with the DSN of a process that was started by `command` (its sys.argv).

    Commands but for those that migrate are operators' look at what the web server sees, and use its role.
    """
    program, arguments = PurePath(command[0] if command else ""), command[1:]
    if program.name == "celery" or program.parts[-2:] == ("celery", "__main__.py"):
        return WORKER if _WORKING & set(arguments) else WEB
    if program.name in {"manage.py", "django-admin"} and arguments and arguments[0] in _MIGRATING:
        return MIGRATE
    return WEB
