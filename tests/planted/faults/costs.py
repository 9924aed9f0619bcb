"""I4: price x GPUs x billable time, to the cent."""

from tests.planted.fault import Fault

COSTS = "tests/jobs/test_costs.py::"
SURVIVES = "tests/promises/test_survival_table.py::test_it_survives_a_cluster_that"
FORMULA = "Decimal arithmetic, rounded half up to cents once per attempt (jobs/costs.py)."
CLOCKS = "Times are subtracted within one clock only; the cluster's own figure comes first."

FAULTS = (
    Fault(
        name="money is computed with floats",
        promise="I4",
        mechanism=FORMULA,
        file="jobs/costs.py",
        old="    return (price_per_hour * gpu_count * hours).quantize(CENT, rounding=ROUND_HALF_UP)\n",
        new="    return Decimal(str(round(float(price_per_hour) * gpu_count * float(hours), 2)))\n",
        proofs=(f"{COSTS}test_it_is_price_times_gpus_times_hours_rounded_half_up",),
    ),
    Fault(
        name="the hourly rate is rounded before it is multiplied",
        promise="I4",
        mechanism=FORMULA,
        file="jobs/costs.py",
        old="    return (price_per_hour * gpu_count * hours).quantize(CENT, rounding=ROUND_HALF_UP)\n",
        new="    return (price_per_hour / 60).quantize(CENT) * gpu_count * Decimal(str(billable_seconds)) / 60\n",
        proofs=(f"{COSTS}test_it_is_price_times_gpus_times_hours_rounded_half_up",),
    ),
    Fault(
        name="the cost of an active job falls",
        promise="I4",
        mechanism="An active job's cost is the highest figure so far; the final one may correct it, with an event.",
        file="jobs/reconcile/billing.py",
        old="_was_guessed(job)\n    job.current_cost = max(job.current_cost, earlier(job) + attempt.cost)\n",
        new="_was_guessed(job)\n    job.current_cost = earlier(job) + attempt.cost\n",
        proofs=(f"{COSTS}test_the_cost_does_not_fall_while_a_job_is_active_and_a_final_correction_is_told",),
    ),
    Fault(
        name="a cancelled job has no cost record",
        promise="I4",
        mechanism="Every end of an attempt, however it came, is settled in one place.",
        file="jobs/reconcile/finish.py",
        old='        _close(job, attempt, "cancelled", now)\n        cancelled(job)\n',
        new="        cancelled(job)\n",
        proofs=(f"{COSTS}test_by_our_own_clock_the_cost_is_an_estimate_and_says_so[cancelled]",),
    ),
    Fault(
        name="times are subtracted across clocks",
        promise="I4",
        mechanism=CLOCKS,
        file="jobs/costs.py",
        old="            seconds = (end - started_at).total_seconds()\n",
        new="            seconds = (end - (seen_running_at or started_at)).total_seconds()\n",
        proofs=(f"{SURVIVES}[has a wrong clock (ahead) - level 2]",),
    ),
    Fault(
        name="our clock replaces the cluster's figure",
        promise="I4",
        mechanism=CLOCKS,
        file="jobs/reconcile/billing.py",
        old='    if billing is None and attempt.billing_source == "cluster":\n        return',
        new="    if False:\n        return",
        proofs=(f"{COSTS}test_an_answer_without_a_figure_does_not_undo_the_figure_that_we_have",),
    ),
    Fault(
        name="a used budget stops nothing",
        promise="I4",
        mechanism="Each report is judged: a job whose next look could come too late for its budget is stopped.",
        file="jobs/reconcile/watch.py",
        old="            _stop(job, ErrorCode.BUDGET_REACHED, message, capabilities)\n",
        new="",
        proofs=("tests/jobs/test_budget.py::test_a_used_budget_stops_the_job_with_its_adapter_kept",),
    ),
    Fault(
        name="a curve that cannot be fetched stops the watch over the budget",
        promise="I4",
        mechanism="Cost and budget follow each report of a run, also where its points are not all fetched yet.",
        file="jobs/reconcile/apply.py",
        old="    if has_ended and polled.has_more and _waits",
        new="    if polled.has_more and _waits",
        proofs=(
            "tests/jobs/test_polling.py::"
            "test_a_curve_that_cannot_be_fetched_keeps_neither_cost_nor_budget_from_being_watched",
        ),
    ),
    Fault(
        name="the cluster is not told how long the budget lasts",
        promise="I4",
        mechanism="What a budget pays for is sent as `max_runtime_s`: it ends a run that nobody can reach.",
        file="jobs/reconcile/intent.py",
        old='    return {"max_runtime_s": paid, "max_runtime_by": "budget"}\n',
        new='    return {"max_runtime_s": longest, "max_runtime_by": "budget"}\n',
        proofs=("tests/jobs/test_budget.py::test_what_the_budget_pays_for_is_the_runs_time_limit",),
    ),
)
