"""The pages' first state, as the server writes it without any script."""

import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from jobs.models import JobLog, TrainingJob
from jobs.states import Status
from tests import factories

Browse = Callable[[User], Client]

pytestmark = pytest.mark.django_db


def seen(response: Any) -> str:
    """The page's text with its tags, white space made one blank."""
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def monitor(browse: Browse, job: TrainingJob) -> str:
    return seen(browse(job.owner).get(f"/training/jobs/{job.pk}"))


@pytest.mark.parametrize("path", ["/training/jobs", "/training/configure", f"/training/jobs/{uuid.uuid4()}"])
def test_pages_ask_for_a_login(path: str, client: Client) -> None:
    assert client.get(path).headers["Location"] == f"/login?next={path}"


def test_a_monitor_s_tab_says_how_it_stands(browse: Browse, alice: User) -> None:
    running = factories.job(alice, Status.RUNNING, name="Tone", progress=Decimal("42.25"))
    failed = factories.job(alice, Status.FAILED, name="Export")
    assert "<title>42.2% · Tone · LoRA Pipeline</title>" in monitor(browse, running)
    assert "<title>Failed · Export · LoRA Pipeline</title>" in monitor(browse, failed)


def test_the_list_shows_only_one_s_own_jobs(browse: Browse, alice: User, bob: User) -> None:
    factories.job(alice, name="Of alice")
    factories.job(bob, name="Of bob")
    html = seen(browse(alice).get("/training/jobs"))
    assert "Of alice" in html
    assert "Of bob" not in html


def test_an_empty_list_leads_to_the_first_dataset_and_then_to_the_first_job(browse: Browse, alice: User) -> None:
    browser = browse(alice)
    assert "Bring your first dataset" in seen(browser.get("/training/jobs"))
    factories.dataset(alice)
    assert "Create your first job" in seen(browser.get("/training/jobs"))


def test_the_list_is_searched_and_filtered_by_its_address(browse: Browse, alice: User) -> None:
    factories.job(alice, Status.RUNNING, name="Still at it")
    factories.job(alice, Status.FAILED, name="Gone wrong")
    browser = browse(alice)
    assert "Gone wrong" not in seen(browser.get("/training/jobs?status=active"))
    assert "Still at it" not in seen(browser.get("/training/jobs?status=failed"))
    assert "Gone wrong" not in seen(browser.get("/training/jobs?search=still"))
    assert "No job fits" in seen(browser.get("/training/jobs?search=nothing"))
    assert "Gone wrong" in seen(browser.get("/training/jobs?status=made-up&page=99"))


def test_pages_of_the_list_keep_the_filter(browse: Browse, alice: User) -> None:
    for number in range(21):
        factories.job(alice, Status.COMPLETED, name=f"Job {number}")
    html = seen(browse(alice).get("/training/jobs?status=completed"))
    assert "20 of 21<" in html
    assert 'href="?status=completed&amp;page=2"' in html


def test_the_list_asks_the_database_the_same_number_of_times_however_long(
    browse: Browse, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(12):
        factories.job(alice)
    browser = browse(alice)
    with django_assert_max_num_queries(8):
        browser.get("/training/jobs")


def test_somebody_else_s_job_is_not_found(browse: Browse, alice: User, bob: User) -> None:
    job = factories.job(alice)
    assert browse(bob).get(f"/training/jobs/{job.pk}").status_code == 404
    assert browse(bob).get(f"/training/jobs/{uuid.uuid4()}").status_code == 404


def test_the_monitor_tells_absent_from_zero(browse: Browse, alice: User) -> None:
    values = {"training_loss": 0.0, "validation_loss": None}
    html = monitor(browse, factories.job(alice, Status.RUNNING, current_metrics=values))
    assert '<dd data-field="training_loss">0</dd>' in html
    assert '<dd data-field="validation_loss">—</dd>' in html
    assert '<span data-field="throughput">—</span>' in html


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (Status.QUEUED, "Queued"),
        (Status.INITIALIZING, "Initializing"),
        (Status.RUNNING, "Running"),
        (Status.CANCELLING, "Cancelling…"),
        (Status.COMPLETED, "Completed"),
        (Status.FAILED, "Failed"),
        (Status.CANCELLED, "Cancelled"),
    ],
)
def test_the_badge_has_an_icon_and_a_word(status: Status, word: str, browse: Browse, alice: User) -> None:
    html = monitor(browse, factories.job(alice, status))
    badge = html.split('id="badge"')[1].split("</span> </span>")[0]
    assert "<svg" in badge
    assert word in badge


@pytest.mark.parametrize("status", list(Status))
def test_cancel_and_progress_are_there_while_the_job_is_active(status: Status, browse: Browse, alice: User) -> None:
    job = factories.job(alice, status)
    html = monitor(browse, job)
    button = html.split('id="cancel-open"')[1].split(">")[0]
    progress = html.split('id="progress"')[1].split(">")[0]
    assert ("hidden" in button) is job.is_terminal
    assert ("disabled" in button) is (status is Status.CANCELLING)
    assert ("hidden" in progress) is job.is_terminal


def test_what_is_waited_for_is_said(browse: Browse, alice: User) -> None:
    waiting = factories.job(alice, Status.QUEUED, waiting_for="The cluster is full.")
    assert "The cluster is full." in monitor(browse, waiting)


def test_a_simulated_run_is_labelled(browse: Browse, alice: User) -> None:
    html = monitor(browse, factories.job(alice, simulated=True))
    assert "hidden" not in html.split("data-when-simulated")[1].split(">")[0]


def test_a_failed_job_says_why_what_to_do_and_offers_a_retry(browse: Browse, alice: User) -> None:
    job = factories.job(alice, Status.FAILED, error_detail="allocating 2 GiB")
    html = monitor(browse, job)
    assert "CUDA out of memory" in html
    assert "Lower the batch size, max_length or the rank" in html
    assert "Cause: the settings" in html
    assert "<dt>Failed at</dt><dd>Training</dd>" in html
    assert "You: it is the settings" in html
    assert "<dt>What it cost</dt><dd>$1.12</dd>" in html
    assert f'href="/training/configure?clone={job.pk}"' in html
    assert f'href="/api/jobs/{job.pk}/diagnostics"' in html
    assert "The same again would end the same way" in html
    assert "allocating 2 GiB" in html
    assert "data-retry" in html


def test_a_completed_job_lists_its_files_without_their_addresses(browse: Browse, alice: User) -> None:
    job = factories.job(alice, Status.COMPLETED)
    factories.artifact(job)
    html = monitor(browse, job)
    assert 'data-download="adapter_model.safetensors"' in html
    assert "Signature" not in html


def test_a_completed_job_without_files_says_so(browse: Browse, alice: User) -> None:
    assert "This cluster hands no files over" in monitor(browse, factories.job(alice, Status.COMPLETED))


def test_the_configuration_names_prices(browse: Browse, alice: User) -> None:
    html = monitor(browse, factories.job(alice))
    assert "<dt>Price per GPU</dt><dd>$4.20 per hour</dd>" in html
    assert "<dt>Total per hour</dt><dd>$8.40</dd>" in html
    assert "<dt>LoRA rank</dt><dd>16</dd>" in html


def test_a_gpu_without_a_price_is_marked(browse: Browse, alice: User) -> None:
    html = monitor(browse, factories.job(alice, gpu_price_per_hour=None))
    assert "No price listed: counted as $0.00" in html


def test_the_log_s_last_lines_are_shown_as_text(browse: Browse, alice: User) -> None:
    job = factories.job(alice)
    JobLog.objects.create(job=job, owner=alice, tail="loss <script>1</script>", total_lines=1)
    assert "loss &lt;script&gt;1&lt;/script&gt;" in monitor(browse, job)


def test_the_form_offers_ready_datasets_and_chooses_the_one_in_the_address(
    browse: Browse, alice: User, bob: User
) -> None:
    factories.dataset(alice, name="First")
    wanted = factories.dataset(alice, name="Second")
    factories.dataset(alice, name="Not ready", training_ready=False)
    factories.dataset(bob, name="Of bob")
    factories.dataset(alice, name="Newest")
    html = seen(browse(alice).get(f"/training/configure?dataset={wanted.pk}"))
    assert "First" in html
    assert "Not ready" not in html
    assert "Of bob" not in html
    assert f'<option value="{wanted.pk}" selected>' in html


def test_the_form_proposes_the_recommended_preset_with_help_and_ranges(browse: Browse, alice: User) -> None:
    factories.dataset(alice)
    html = seen(browse(alice).get("/training/configure"))
    assert re.search(r'value="recommended"[^>]* checked', html)
    assert "Quick Test" in html
    assert "1e-6 to 0.01." in html
    assert re.search(r'value="H100-80GB"[^>]* checked', html)
    assert "$4.20" in html


def test_without_a_ready_dataset_the_form_leads_to_the_datasets(browse: Browse, alice: User) -> None:
    assert "No dataset is ready yet" in seen(browse(alice).get("/training/configure"))


@pytest.mark.parametrize("path", ["/training/jobs", "/training/configure", "/training/jobs/{job}"])
def test_pages_have_neither_inline_scripts_nor_inline_styles(path: str, browse: Browse, alice: User) -> None:
    job = factories.job(alice)
    html = seen(browse(alice).get(path.format(job=job.pk)))
    assert not re.search(r"<script(?![^>]*(src=|application/json))", html)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", html)


def test_the_budget_is_shown_beside_the_cost(browse: Browse, alice: User) -> None:
    html = monitor(browse, factories.job(alice, Status.RUNNING, current_cost="4.10", max_cost="5.00"))
    assert "$4.10 of $5.00 budget" in html
    assert '<progress class="progress progress-warn" id="budget-bar" max="5.00" value="4.10"' in html
    assert "budget-bar" not in monitor(browse, factories.job(alice))


def test_a_job_that_the_system_stopped_says_why_and_what_to_do_and_says_it_once(browse: Browse, alice: User) -> None:
    why = "The training loss has been exactly 0 since step 7."
    job = factories.job(
        alice,
        Status.CANCELLED,
        error_code="zero_loss",
        error_message=why,
        stop_reason="zero_loss",
        warnings=[{"code": "sentinel_zero", "message": why}],
    )
    outcome = monitor(browse, job).partition('data-region="outcome"')[2].partition("</section>")[0]
    assert outcome.count(why) == 1
    assert "Stopped" in outcome
    assert "teaches nothing" in outcome


def test_a_job_that_is_being_stopped_says_so_beside_the_finding(browse: Browse, alice: User) -> None:
    job = factories.job(
        alice,
        Status.CANCELLING,
        keep_adapter=True,
        stop_reason="diverged",
        stop_message="The loss jumped.",
        warnings=[{"code": "sentinel_spike", "message": "The loss jumped."}],
    )
    html = monitor(browse, job)
    assert "The loss jumped." in html
    assert "being stopped for this; what it has learned is kept" in html


def test_the_configuration_tells_budget_and_rules(browse: Browse, alice: User) -> None:
    html = monitor(browse, factories.job(alice, max_cost="5.00", sentinel={"nan": "off"}))
    assert "<dt>Budget</dt><dd>$5.00</dd>" in html
    assert "<dt>Loss is not a number</dt><dd>Do nothing</dd>" in html


def test_the_phases_show_where_the_job_is_in_words(browse: Browse, alice: User) -> None:
    html = monitor(browse, factories.job(alice, Status.RUNNING))
    phases = html.split('aria-label="Phases"')[1].split("</ol>")[0]
    [here] = re.findall(r'aria-current="step".*?</li>', phases)
    assert "Training" in here
    assert "(now)" in here
    assert phases.count("(to come)") == 3


def test_the_timeline_is_told_by_attempts_the_newest_first(browse: Browse, alice: User) -> None:
    job = factories.job(alice, Status.RUNNING, attempt=2)
    factories.event(job, attempt=2, actor="user:alice", message="Once more.")
    factories.event(job, attempt=2, kind="warning", message="The loss jumped.")
    timeline = monitor(browse, job).split('data-region="timeline"')[1].split("</section> </div>")[0]
    assert re.findall(r"<h2[^>]*>([^<]+)<", timeline) == ["Attempt 2", "Attempt 1"]
    assert "Once more." in timeline
    assert "· alice" in timeline
    assert "Warning: </span>The loss jumped." in timeline


def test_the_monitor_asks_the_database_the_same_number_of_times_however_much_has_happened(
    browse: Browse, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    job = factories.job(alice, Status.RUNNING)
    for step in range(20, 200, 20):
        factories.event(job, kind="checkpoint")
        factories.checkpoint(job, step)
    factories.points(job, {step: {"training_loss": 1.0} for step in range(100)})
    browser = browse(alice)
    with django_assert_max_num_queries(16):
        browser.get(f"/training/jobs/{job.pk}")


@pytest.mark.parametrize(("changes", "icon"), [({}, "loader"), ({"submit_failures": 1}, "alert")])
def test_trouble_is_told_by_a_sign_besides_its_colour(
    changes: dict[str, Any], icon: str, browse: Browse, alice: User
) -> None:
    html = monitor(browse, factories.job(alice, Status.QUEUED, next_attempt_at=timezone.now(), **changes))
    assert f"icons.svg#{icon}" in html.split('class="situation-icon"')[1].split("</span>")[0]
