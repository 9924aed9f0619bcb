"""I9: another user's id is a 404 everywhere."""

from tests.planted.fault import Fault

OWNERS = "Each app has one function that says whose rows somebody sees; every address is tried with another's ids."
POLICIES = "PostgreSQL's row-level security on every table with an owner, forced: who looks is a session setting."
ROWS = "tests/tenancy/test_row_level_security.py::"
ELSEWHERE = "tests/tenancy/test_url_table.py::test_another_users_id_is_like_one_that_does_not_exist"

FAULTS = (
    Fault(
        name="jobs are not filtered by their owner",
        promise="I9",
        mechanism=OWNERS,
        file="jobs/selectors.py",
        old="    return (TrainingJob.objects.all() if among is None else among).filter(owner_id=user.pk)\n",
        new="    return TrainingJob.objects.all() if among is None else among\n",
        proofs=(
            "tests/jobs/test_cancellation.py::test_nobody_cancels_anothers_job",
            f"{ELSEWHERE}[api-job-events]",
        ),
    ),
    Fault(
        name="datasets are not filtered by their owner",
        promise="I9",
        mechanism=OWNERS,
        file="datasets/selectors.py",
        old="owner_id=user.pk",
        new="owner_id__isnull=False",
        proofs=(f"{ELSEWHERE}[api-dataset]",),
    ),
    Fault(
        name="the database shows everybody's rows",
        promise="I9",
        mechanism=POLICIES,
        file="tenancy/policies.py",
        old=" USING ({quote(self.owner)} = {_ONE_USER} OR {_EVERYBODY})",
        new=" USING (true)",
        proofs=(
            f"{ROWS}test_a_page_sees_its_users_rows_where_the_query_forgot_to_ask_for_them",
            f"{ROWS}test_each_user_sees_only_their_own_rows_of_every_table",
        ),
        database="postgresql",
    ),
    Fault(
        name="a table is not closed",
        promise="I9",
        mechanism=POLICIES,
        file="jobs/migrations/0011_row_level_security.py",
        old='        CloseToOthers("job_events"),\n',
        new="",
        proofs=(f"{ROWS}test_each_user_sees_only_their_own_rows_of_every_table",),
        database="postgresql",
    ),
    Fault(
        name="a request begins as somebody who sees all",
        promise="I9",
        mechanism="A request begins as nobody, becomes its user where it is authenticated, and ends as nobody.",
        file="tenancy/middleware.py",
        old="        with viewer.seeing(viewer.NOBODY):\n",
        new="        with viewer.seeing(viewer.EVERYBODY):\n",
        proofs=(f"{ROWS}test_nobody_sees_nothing_also_right_after_somebody",),
        database="postgresql",
    ),
    Fault(
        name="a connection believes what a savepoint took back",
        promise="I9",
        mechanism="After each rollback, to a savepoint too, a connection is told anew who looks.",
        file="tenancy/postgresql/base.py",
        old="        finally:\n            self._told = None\n",
        new="        finally:\n            pass\n",
        proofs=(f"{ROWS}test_who_came_inside_of_what_is_rolled_back_goes_on_looking",),
        database="postgresql",
    ),
)
