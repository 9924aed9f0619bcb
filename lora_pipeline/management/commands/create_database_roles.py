"""`manage.py create_database_roles` makes the roles that DATABASE_URL and WORKER_DATABASE_URL name, with few rights.

It connects as MIGRATE_DATABASE_URL says, after `migrate`. It lies here and not in tenancy, which has no commands.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from lora_pipeline import database
from tenancy import roles


class Command(BaseCommand):
    help = (
        "Creates the PostgreSQL roles of web server and workers: rows, but no tables of their own. Again is harmless."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError("Only PostgreSQL has roles: set DATABASE_URL to postgres://….")
        for variable in (database.WEB, database.WORKER):
            config = settings.DATABASE_ROLES[variable]
            if variable == database.WORKER and config == settings.DATABASE_ROLES[database.WEB]:
                continue
            if not config.get("USER") or not config.get("PASSWORD"):
                raise CommandError(f"{variable} names no user with a password: postgres://user:password@host/name.")
            try:
                is_new = roles.grant(connection, roles.Role(config["USER"], config["PASSWORD"]))
            except roles.CannotRestrict as error:
                raise CommandError(f"{variable}: {error}") from error
            self.stdout.write(f"{config['USER']} of {variable} {'was created' if is_new else 'has its rights again'}.")
