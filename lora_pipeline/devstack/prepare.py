"""What comes before the web server: tables, static files, users, and the catalog of a demo that trains.

Run with the path of USERS.json and, where the stack's own node trains, `--trains-here`; all in one process.

The users' passwords and tokens lie in that file, since the database holds hashes only. A second run changes
nothing: who is there and whose token works stays as is.
"""

import hashlib
import json
import os
import secrets
import sys
from pathlib import Path

import django
from django.core.management import call_command
from django.db import transaction

from lora_pipeline.devstack import demo_catalog

# name → staff. The first two are ordinary users; the API shows each of them their own rows only.
USERS = {"alice": False, "bob": False, "operator": True}


def main(users_file: Path, *, trains_here: bool) -> None:
    """Bring database, static files, users and catalog up to date."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lora_pipeline.settings")
    django.setup()
    call_command("migrate", interactive=False)
    _collect_static()
    _make_users(users_file)
    if trains_here:
        complete_catalog()


def complete_catalog() -> None:
    """Offer the demo's small model as the default one, and price the processor.

    Only at the first such start: what an operator changes afterwards stays.
    """
    from jobs.models import BaseModel, GpuPrice  # needs the set-up above

    with transaction.atomic():
        _, is_new = GpuPrice.objects.get_or_create(
            gpu_type=demo_catalog.GPU_TYPE, defaults={"price_per_hour": demo_catalog.PRICE_PER_HOUR}
        )
        if is_new:
            BaseModel.objects.filter(is_default=True).update(is_default=False)
            BaseModel.objects.filter(name=demo_catalog.BASE_MODEL).update(
                source=BaseModel.Source.PACKAGE,
                location=demo_catalog.PACKAGE,
                licence=demo_catalog.LICENCE,
                is_default=True,
                is_enabled=True,
            )


def _collect_static() -> None:
    """Collect and compress static files, unless none of them has changed since the last time: that takes 3 s."""
    from django.conf import settings
    from django.contrib.staticfiles.finders import get_finders

    seen = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            file = Path(storage.path(name)).stat()
            seen.update(f"{name} {file.st_size} {file.st_mtime_ns}\n".encode())
    stamp = Path(settings.STATIC_ROOT) / ".sources"
    if not stamp.exists() or stamp.read_text() != seen.hexdigest():
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        stamp.write_text(seen.hexdigest())


def _make_users(users_file: Path) -> None:
    from lora_pipeline.devstack.places import write_private  # imports below need the set-up above

    known = json.loads(users_file.read_text()) if users_file.exists() else []
    kept = {user["username"]: user for user in known}
    users = [_user(name, staff, kept.get(name, {})) for name, staff in USERS.items()]
    write_private(users_file, json.dumps(users, indent=1))


def _user(username: str, staff: bool, kept: dict[str, str]) -> dict[str, str]:
    """The row of `username`, with the password and token in `kept` while they are good, else with new ones."""
    from django.contrib.auth.models import User

    from accounts.services import token_create

    user, created = User.objects.get_or_create(
        username=username,
        defaults={"is_staff": staff, "is_superuser": staff, "email": f"{username}@example.com"},
    )
    password = kept.get("password", "")
    if created or not password:
        password = secrets.token_urlsafe(12)
        user.set_password(password)
        user.save(update_fields=["password"])
    token = kept.get("token", "")
    if created or not _works(token, user.pk):
        _, token = token_create(user=user, name="bin/demo")
    return {"username": username, "password": password, "token": token}


def _works(token: str, user_id: int) -> bool:
    from knox.crypto import hash_token

    from accounts.models import ApiToken

    return bool(token) and ApiToken.objects.filter(digest=hash_token(token), user_id=user_id).exists()


if __name__ == "__main__":
    main(Path(sys.argv[1]), trains_here="--trains-here" in sys.argv[2:])
