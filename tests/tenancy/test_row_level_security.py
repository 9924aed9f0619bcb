"""PostgreSQL's row-level security, through the real web stack, as a role that owns nothing and by-passes nothing.

The views in forgetful_urls leave the owner out of their queries; what they show all the same is what is tested.
"""

import threading
import uuid
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, connection, transaction

from datasets.models import Dataset
from jobs.models import JobEvent, TrainingJob
from lora_pipeline.devstack.places import ROOT
from tenancy import viewer
from tenancy.postgresql.base import DatabaseWrapper
from tests.tenancy.belongings import Belongings, belongings
from tests.tenancy.conftest import Asker
from tests.tenancy.forgetful_urls import names
from tests.tenancy.test_closed_tables import owned_tables

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no row-level security"),
]

ALICES, BOBS = ["alices-secret chats", "alices-secret upload"], ["bobs-own chats", "bobs-own upload"]


@pytest.fixture(autouse=True)
def forgetful_views(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.tenancy.forgetful_urls"


def counts(cursor: Any) -> dict[str, int]:
    """How many rows of each closed table can be seen."""
    seen = {}
    for table in owned_tables():
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608
        seen[table] = cursor.fetchone()[0]
    return seen


def test_tests_have_the_rights_of_the_web_servers_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)
        cursor.execute("SELECT tablename FROM pg_tables WHERE tableowner = current_user")
        assert cursor.fetchall() == []
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        assert {name for (name,) in cursor.fetchall()} == set(owned_tables())


# -- A query without its filter ---------------------------------------------------------------------------


def test_a_program_sees_its_users_rows_where_the_query_forgot_to_ask_for_them(
    of_alice: Belongings, of_bob: Belongings
) -> None:
    for whose, expected in ((of_alice, ALICES), (of_bob, BOBS), (of_alice, ALICES)):
        got = Asker(token=whose.token_secret).ask("GET", "/api/forgetful/program")
        assert [name for name in (*ALICES, *BOBS) if name in got.body] == expected


@pytest.mark.parametrize("path", ["/forgetful/page", "/forgetful/raw"])
def test_a_page_sees_its_users_rows_where_the_query_forgot_to_ask_for_them(
    path: str, of_alice: Belongings, of_bob: Belongings
) -> None:
    for whose, expected in ((of_alice, ALICES), (of_bob, BOBS)):
        got = Asker(session_of=whose.user).ask("GET", path)
        assert [name for name in (*ALICES, *BOBS) if name in got.body] == expected


def test_the_session_of_a_page_is_obeyed_by_the_api_too(of_alice: Belongings, of_bob: Belongings) -> None:
    assert BOBS[0] in Asker(session_of=of_bob.user).ask("GET", "/api/forgetful/program").body
    assert ALICES[0] not in Asker(session_of=of_bob.user).ask("GET", "/api/forgetful/program").body


def test_nobody_sees_nothing_also_right_after_somebody(of_alice: Belongings) -> None:
    nothing = Asker().ask("GET", "/api/forgetful/anybody")
    assert nothing.body == '{"success":true,"data":[]}'
    assert ALICES[0] in Asker(token=of_alice.token_secret).ask("GET", "/api/forgetful/program").body
    assert Asker().ask("GET", "/api/forgetful/anybody") == nothing
    assert Asker(token="unknown").ask("GET", "/api/forgetful/anybody").status == 401


def test_after_a_crash_nobody_sees_nothing(of_alice: Belongings) -> None:
    assert Asker(token=of_alice.token_secret).ask("GET", "/api/forgetful/crashing").status == 500
    assert Asker().ask("GET", "/api/forgetful/anybody").body == '{"success":true,"data":[]}'


def test_a_streamed_answer_is_made_as_its_user_and_as_nobody_else(of_alice: Belongings, of_bob: Belongings) -> None:
    streaming = Asker(token=of_bob.token_secret).stream("/api/forgetful/streamed")
    expected = f"{','.join(BOBS)}\n".encode()
    assert next(streaming) == expected
    # While it is being sent the same connection serves others.
    assert Asker().ask("GET", "/api/forgetful/anybody").body == '{"success":true,"data":[]}'
    assert ALICES[0] in Asker(token=of_alice.token_secret).ask("GET", "/api/forgetful/program").body
    assert list(streaming) == [expected]


def test_operators_see_everybodys_rows_where_they_operate_and_only_there(
    of_alice: Belongings, of_bob: Belongings, operator: User
) -> None:
    asking = Asker(session_of=operator)
    assert asking.ask("GET", "/forgetful/page").body == "[]"
    assert asking.ask("GET", "/api/forgetful/program").body == '{"success":true,"data":[]}'
    for path in ("/api/forgetful/operators", "/admin/datasets/dataset/"):
        shown = asking.ask("GET", path).body
        assert ALICES[0] in shown, path
        assert BOBS[0] in shown, path
    assert asking.ask("GET", "/forgetful/page").body == "[]"


# -- The database itself ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_the_web_servers_role_alone_sees_no_row_of_any_user(of_alice: Belongings) -> None:
    with connection.cursor() as cursor:
        assert not [table for table, count in counts(cursor).items() if not count], "Belongings lacks some"
    with psycopg.connect(**connection.get_connection_params()) as outside, outside.cursor() as cursor:
        assert not any(counts(cursor).values())
        cursor.execute("SELECT set_config('lora.user', '', false)")
        assert not any(counts(cursor).values())


def test_each_user_sees_only_their_own_rows_of_every_table(of_alice: Belongings, of_bob: Belongings) -> None:
    for whose in (of_alice, of_bob):
        with viewer.seeing(str(whose.user.pk)), connection.cursor() as cursor:
            assert all(counts(cursor).values())
            for table, owner in owned_tables().items():
                cursor.execute(f"SELECT DISTINCT {owner} FROM {table}")  # noqa: S608
                assert cursor.fetchall() == [(whose.user.pk,)], table


def test_rows_cannot_be_made_for_somebody_else(of_alice: Belongings, of_bob: Belongings) -> None:
    theirs = of_alice.jobs[0]
    with viewer.seeing(str(of_bob.user.pk)):
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            Dataset.objects.create(owner=of_alice.user, storage_bucket="lora-datasets", storage_path="x", file_name="x")
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            JobEvent.objects.create(job=theirs, owner=of_alice.user, kind="status", actor="bob", message="…")


def test_rows_of_somebody_else_can_be_neither_changed_nor_given_away(of_alice: Belongings, of_bob: Belongings) -> None:
    with viewer.seeing(str(of_bob.user.pk)):
        assert TrainingJob.objects.update(name="taken over") == len(of_bob.jobs)
        assert Dataset.objects.filter(pk=of_alice.datasets[0].pk).delete() == (0, {})
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            Dataset.objects.filter(pk=of_bob.datasets[0].pk).update(owner=of_alice.user)
    assert not TrainingJob.objects.filter(owner=of_alice.user, name="taken over").exists()


def test_a_malformed_viewer_sees_nothing(of_alice: Belongings) -> None:
    with viewer.seeing("1 OR true"), pytest.raises(DatabaseError), transaction.atomic():
        names()


# -- Connections ------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_transaction_that_is_rolled_back_changes_nothing_for_who_looks(
    of_alice: Belongings, of_bob: Belongings
) -> None:
    with viewer.seeing(str(of_alice.user.pk)):
        assert names() == ALICES
    with viewer.seeing(str(of_bob.user.pk)):
        with transaction.atomic():
            assert names() == BOBS  # told inside of the transaction, and forgotten by the server with it
            transaction.set_rollback(True)
        assert names() == BOBS
        with transaction.atomic():
            with transaction.atomic(), viewer.seeing(str(of_alice.user.pk)):
                assert names() == ALICES
                transaction.set_rollback(True)
            assert names() == BOBS


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_who_came_inside_of_what_is_rolled_back_goes_on_looking(of_alice: Belongings, of_bob: Belongings) -> None:
    with viewer.seeing(str(of_bob.user.pk)), transaction.atomic():
        assert names() == BOBS
        with transaction.atomic():
            viewer.become(of_alice.user.pk)
            assert names() == ALICES  # told inside of the savepoint, and forgotten by the server with it
            transaction.set_rollback(True)
        assert names() == ALICES


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_statement_that_fails_changes_nothing_for_who_looks(of_alice: Belongings, of_bob: Belongings) -> None:
    def fail_as_alice() -> None:
        with transaction.atomic(), viewer.seeing(str(of_alice.user.pk)), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    with viewer.seeing(str(of_bob.user.pk)):
        with pytest.raises(DatabaseError, match="division by zero"):
            fail_as_alice()
        assert names() == BOBS
        with transaction.atomic():
            with pytest.raises(DatabaseError, match="division by zero"):
                fail_as_alice()
            assert names() == BOBS


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_commit_that_fails_changes_nothing_for_who_looks(of_alice: Belongings, of_bob: Belongings) -> None:
    def write_of_no_job() -> None:
        with transaction.atomic():
            assert names() == BOBS  # told inside of the transaction, and forgotten by the server with it
            JobEvent.objects.create(job_id=uuid.uuid4(), owner=of_bob.user, kind="status", actor="bob", message="…")

    with viewer.seeing(str(of_alice.user.pk)):
        assert names() == ALICES
    with viewer.seeing(str(of_bob.user.pk)):
        with pytest.raises(IntegrityError):
            write_of_no_job()
        assert names() == BOBS


RESET = 'RESET lora."user"'


def looks(who: object) -> str:
    return f"SET lora.\"user\" = '{who}'"


def test_psql_is_told_as_our_documentation_says() -> None:
    assert f"`{looks('all')}`" in (ROOT / "docs" / "tenancy.md").read_text("utf-8")


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_setting_that_is_emptied_or_made_twice_shows_nobody_elses_rows(
    of_alice: Belongings, of_bob: Belongings
) -> None:
    bob, alice = of_bob.user.pk, of_alice.user.pk
    for made, seen in (
        ([RESET], []),
        (["DISCARD ALL"], []),
        ([looks(alice), looks("")], []),
        ([looks(alice), looks(bob)], BOBS),
        ([looks(alice), RESET, looks(bob)], BOBS),
        ([looks("all"), "RESET ALL"], []),
        ([looks("ALL")], None),
        ([looks(f"{bob},{alice}")], None),
    ):
        with psycopg.connect(**connection.get_connection_params(), autocommit=True) as outside:
            for statement in made:
                outside.execute(statement.encode())
            if seen is None:
                with pytest.raises(psycopg.DataError):
                    outside.execute("SELECT name FROM datasets")
            else:
                found = outside.execute("SELECT name FROM datasets ORDER BY name").fetchall()
                assert [name for (name,) in found] == seen, made


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_new_connection_is_told_who_looks(of_alice: Belongings) -> None:
    with viewer.seeing(str(of_alice.user.pk)):
        assert names() == ALICES
        connection.close()
        assert names() == ALICES
    connection.close()
    with viewer.seeing(viewer.NOBODY):
        assert names() == []


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_pooled_connection_keeps_nothing_of_who_had_it_before(of_alice: Belongings, of_bob: Belongings) -> None:
    settings = {**connection.settings_dict, "CONN_MAX_AGE": 0, "OPTIONS": {"pool": {"min_size": 1, "max_size": 1}}}

    def look(who: str) -> tuple[int, list[str]]:
        pooled = DatabaseWrapper(settings, alias="pooled")
        try:
            with viewer.seeing(who), pooled.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid(), name FROM datasets RIGHT JOIN (SELECT 1) x ON true ORDER BY 2")
                found = cursor.fetchall()
        finally:
            pooled.close()
        return found[0][0], [name for _, name in found if name]

    try:
        process, seen = look(str(of_alice.user.pk))
        assert seen == ALICES
        assert look(viewer.NOBODY) == (process, [])
        assert look(str(of_bob.user.pk)) == (process, BOBS)
    finally:
        DatabaseWrapper(settings, alias="pooled").close_pool()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_threads_look_each_for_their_own_user(of_alice: Belongings, bob: User) -> None:
    of_bob = belongings(bob, mark="bobs-own")
    together, seen = threading.Barrier(2), dict[str, set[str]]()

    def look(whose: Belongings) -> None:
        try:
            with viewer.seeing(str(whose.user.pk)):
                for _ in range(20):
                    together.wait()
                    seen.setdefault(whose.mark, set()).update(names())
        finally:
            connection.close()

    threads = [threading.Thread(target=look, args=(whose,)) for whose in (of_alice, of_bob)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {of_alice.mark: set(ALICES), of_bob.mark: set(BOBS)}


def test_a_closed_process_sees_nothing_where_nobody_is_named(
    of_alice: Belongings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The web server's, in threads and between requests."""
    monkeypatch.setattr(viewer, "_of_process", viewer.NOBODY)
    assert names() == []
    with viewer.seeing(str(of_alice.user.pk)):
        assert names() == ALICES
