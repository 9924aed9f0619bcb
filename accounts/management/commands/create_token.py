"""`manage.py create_token alice --name laptop [--days 90]` prints a new API token, and nothing else."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from accounts import services


class Command(BaseCommand):
    help = "Makes an API token for a user and prints it: it cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="token", help="what will use it")
        parser.add_argument("--days", type=int, help="how long it works; without it, until it is revoked")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']!r}: `manage.py createsuperuser` makes one.")
        days = options["days"]
        if days is not None and not 1 <= days <= services.MAX_DAYS:
            raise CommandError(f"--days must be from 1 to {services.MAX_DAYS}.")
        _, secret = services.token_create(
            user=user, name=options["name"][:100], expires_in=timedelta(days=days) if days else None
        )
        self.stdout.write(secret)
