"""Separate roles for migrating, serving and working: made by a command, from nothing but three addresses."""

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import connection

from lora_pipeline import database, database_diagnosis
from lora_pipeline.devstack.places import ROOT
from tenancy.postgresql.base import DatabaseWrapper
from tests import factories

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no roles")
committed = pytest.mark.django_db(transaction=True, serialized_rollback=True)  # other processes look at the rows


@pytest.mark.parametrize(
    ("command", "variable"),
    [
        ("/srv/venv/bin/gunicorn lora_pipeline.wsgi", database.WEB),
        ("/srv/venv/bin/celery -A lora_pipeline worker -Q data", database.WORKER),
        ("/venv/lib/python3.11/site-packages/celery/__main__.py -A lora_pipeline beat", database.WORKER),
        ("celery -A lora_pipeline inspect ping", database.WEB),
        ("manage.py migrate --noinput", database.MIGRATE),
        ("./manage.py create_database_roles", database.MIGRATE),
        ("manage.py doctor", database.WEB),
        ("manage.py jobs worker", database.WEB),
        ("manage.py", database.WEB),
        ("", database.WEB),
    ],
)
def test_each_process_has_the_address_of_its_role(command: str, variable: str) -> None:
    assert database.variable_for(command.split()) == variable


@dataclass(frozen=True)
class Installation:
    """Three addresses of the test's database; `migrate` is the superuser's."""

    migrate: str
    web: str
    worker: str

    def run(self, *command: str, **changes: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "SECRET_KEY": django_settings.SECRET_KEY,
            "MIGRATE_DATABASE_URL": self.migrate,
            "DATABASE_URL": self.web,
            "WORKER_DATABASE_URL": self.worker,
            **changes,
        }
        command = (sys.executable, *command)
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def installation(db: None) -> Iterator[Installation]:
    admin, here, mark = migrating(), connection.settings_dict, secrets.token_hex(4)

    def address(user: str, password: str) -> str:
        return f"postgres://{user}:{password}@{here['HOST']}:{here['PORT']}/{here['NAME']}"

    made = Installation(
        migrate=address(admin["USER"], admin["PASSWORD"]),
        web=address(f"web_{mark}", "web-password"),
        worker=address(f"worker_{mark}", "worker-password"),
    )
    yield made
    with psycopg.connect(made.migrate) as dropping:
        for role in (f"web_{mark}", f"worker_{mark}"):
            if dropping.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
                dropping.execute(f"DROP OWNED BY {role}".encode())
                dropping.execute(f"DROP ROLE {role}".encode())


def migrating() -> dict[str, Any]:
    """Settings of the connection that made the test's database; our own has fewer rights."""
    here = connection.settings_dict
    return {**here, **django_settings.DATABASE_ROLES[database.MIGRATE], "NAME": here["NAME"]}


COUNT = "from datasets.models import Dataset; print(Dataset.objects.count())"


@on_postgresql
@committed
def test_one_command_makes_roles_that_serve_and_work_and_own_nothing(installation: Installation, alice: User) -> None:
    factories.dataset(alice)
    refused = installation.run("manage.py", "shell", "-v0", "-c", COUNT)
    assert refused.returncode != 0, "there is no such role yet"
    for expected in ("was created", "has its rights again"):
        done = installation.run("manage.py", "create_database_roles")
        assert done.returncode == 0, done.stderr
        assert done.stdout.count(expected) == 2
        assert "password" not in done.stdout
    for address in (installation.web, installation.worker):
        with psycopg.connect(address) as role:
            assert role.execute("SELECT count(*) FROM datasets").fetchone() == (0,)
            role.execute("SELECT set_config('lora.user', 'all', false)")
            assert role.execute("SELECT count(*) FROM datasets").fetchone() == (1,)
            assert role.execute("UPDATE datasets SET name = 'x'").rowcount == 1
            for forbidden in (
                "ALTER TABLE datasets DISABLE ROW LEVEL SECURITY",
                "DROP POLICY of_its_owner ON datasets",
                "CREATE TABLE other (id int)",
                "TRUNCATE datasets CASCADE",
                "DELETE FROM django_migrations",
                "SET ROLE postgres",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege), role.transaction():
                    role.execute(forbidden)
    with psycopg.connect(installation.migrate) as owner:
        owner.execute("CREATE TABLE made_later (id int)")
    with psycopg.connect(installation.web) as role:
        assert role.execute("SELECT count(*) FROM made_later").fetchone() == (0,), "tables of later migrations too"
    with psycopg.connect(installation.migrate) as owner:
        owner.execute("DROP TABLE made_later")


@on_postgresql
@committed
def test_commands_see_everybodys_rows_and_the_web_servers_process_nobodys(
    installation: Installation, alice: User
) -> None:
    factories.dataset(alice)
    assert installation.run("manage.py", "create_database_roles").returncode == 0
    assert installation.run("manage.py", "shell", "-v0", "-c", COUNT).stdout == "1\n"
    served = installation.run("-c", f"import lora_pipeline.wsgi; {COUNT}")
    assert served.stdout == "0\n", served.stderr


@on_postgresql
@committed
def test_roles_that_could_hold_nobody_are_refused(installation: Installation) -> None:
    anonymous = re.sub("//.*@", "//", installation.web)
    for address, said in (
        (installation.migrate, "owns the tables: choose another name"),
        (anonymous, "names no user with a password"),
    ):
        done = installation.run("manage.py", "create_database_roles", DATABASE_URL=address)
        assert done.returncode == 1
        assert "DATABASE_URL" in done.stderr
        assert said in done.stderr


def test_the_doctor_says_whether_the_role_is_held(db: None) -> None:
    finding = database_diagnosis.row_level_security(connection)
    assert finding.ok
    assert ("holds lora_tests_" if connection.vendor == "postgresql" else "has none") in finding.message


@on_postgresql
def test_the_doctor_finds_a_role_that_nothing_holds(db: None) -> None:
    superuser = DatabaseWrapper(migrating())
    try:
        finding = database_diagnosis.row_level_security(superuser)
    finally:
        superuser.close()
    assert not finding.ok
    assert "a superuser" in finding.message
    assert "create_database_roles" in finding.advice
