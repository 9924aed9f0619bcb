"""What a job's page shows of real training: stages, checkpoints, the adapter, its answers, estimate and actual."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from jobs.models import BaseModel, Cluster, JobLog, TrainingJob
from jobs.states import Stage, Status
from tests import factories

Browse = Callable[[User], Client]

pytestmark = pytest.mark.django_db

ANSWERED = {"prompt": [{"role": "user", "content": "Where is my parcel?"}], "expected": "TICKET", "base": "Sorry!"}


def page(browse: Browse, job: TrainingJob) -> str:
    """The monitor's HTML, white space made one blank."""
    response = browse(job.owner).get(f"/training/jobs/{job.pk}")
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def part(html: str, region: str) -> str:
    """One of the parts that the script has rendered anew."""
    return html.split(f'data-region="{region}"')[1].split("data-region=")[0]


def completed(owner: User, summary: dict[str, Any], **changes: Any) -> TrainingJob:
    """A completed job whose run says this of itself."""
    job = factories.job(owner, Status.COMPLETED, **changes)
    factories.artifact(job, training_summary=summary)
    return job


# -- While it gets ready and trains ------------------------------------------------------------------


def test_what_the_cluster_prepares_is_shown_with_its_progress(browse: Browse, alice: User) -> None:
    detail = "Installing the training environment: torch 2.13.0"
    html = page(browse, factories.job(alice, Status.INITIALIZING, stage_detail=detail, stage_progress=40.0))
    assert f'data-field="stage_text">{detail}<' in html
    assert 'data-field="stage_percent">40.0%<' in html
    assert "Nothing is billed until training starts." in html


def test_the_list_shows_how_far_a_job_is_prepared(browse: Browse, alice: User) -> None:
    factories.job(alice, Status.INITIALIZING, stage_detail="Installing torch", stage_progress=40.0)
    html = re.sub(r"\s+", " ", browse(alice).get("/training/jobs").content.decode())
    assert 'title="Installing torch">40.0%' in html


@pytest.mark.parametrize(
    ("stage", "says"), [(Stage.QUEUED_ON_GPU, "when enough GPUs are free"), ("warming_up", "busy with: Warming up")]
)
def test_a_stage_without_a_detail_is_explained_where_it_is_known(
    stage: str, says: str, browse: Browse, alice: User
) -> None:
    job = factories.job(alice, Status.INITIALIZING, current_stage=stage, next_poll_at=timezone.now())
    assert says in page(browse, job).split('data-field="sentence">')[1].split("<")[0]


def test_checkpoints_are_listed_while_it_trains_the_best_one_marked(browse: Browse, alice: User) -> None:
    job = factories.job(alice)
    for step, loss in ((20, 1.5), (40, 0.5), (60, 0.7)):
        factories.checkpoint(job, step, validation_loss=loss)
    listed = part(page(browse, job), "checkpoints")
    assert re.findall(r'data-step="(\d+)"', listed) == ["60", "40", "20"]
    [best] = re.findall(r'data-step="(\d+)"[^>]* data-best', listed)
    assert best == "40"
    assert "29.4 MB" in listed  # of its files together
    assert "data-resume" not in listed


def test_checkpoints_without_a_loss_have_no_best_one(browse: Browse, alice: User) -> None:
    job = factories.job(alice)
    factories.checkpoint(job, 20)
    assert "data-best" not in part(page(browse, job), "checkpoints")


@pytest.mark.parametrize(
    ("status", "says"), [(Status.RUNNING, "No checkpoints yet"), (Status.COMPLETED, "None reached storage")]
)
def test_without_checkpoints_the_page_says_when_there_will_be_some(
    status: Status, says: str, browse: Browse, alice: User
) -> None:
    assert says in part(page(browse, factories.job(alice, status)), "checkpoints")


@pytest.mark.parametrize(
    ("features", "step", "offered"),
    [
        (["async_cancel", "artifacts"], 40, True),
        (["async_cancel", "artifacts"], 0, False),
        (["async_cancel"], 40, False),
    ],
)
def test_keeping_the_adapter_is_offered_where_there_is_one_and_the_cluster_can(
    features: list[str], step: int, offered: bool, browse: Browse, alice: User
) -> None:
    Cluster.objects.create(name="default", features=features)
    assert ("Stop and keep the adapter" in page(browse, factories.job(alice, current_step=step))) is offered


def test_a_job_on_a_cpu_has_no_gpu_to_watch(browse: Browse, alice: User) -> None:
    assert "data-on-cpu" in page(browse, factories.job(alice, gpu_config={"type": "CPU", "count": 1}))
    assert "data-on-cpu" not in page(browse, factories.job(alice))


# -- The adapter --------------------------------------------------------------------------------------


def test_each_file_has_its_size_its_whole_checksum_to_copy_and_a_download(browse: Browse, alice: User) -> None:
    html = part(page(browse, completed(alice, {})), "adapter")
    assert 'data-download="adapter_model.safetensors"' in html
    assert f'data-copy="{"0" * 64}"' in html
    assert "9.8 MB" in html


def test_all_files_come_as_one_archive(browse: Browse, alice: User) -> None:
    job = completed(alice, {})
    assert f'href="/api/jobs/{job.pk}/artifact/archive"' in part(page(browse, job), "outcome")


def test_the_page_says_how_to_use_the_adapter(browse: Browse, alice: User) -> None:
    model = BaseModel.objects.create(name="acme/tiny", location="acme/tiny", parameters=1, context_length=512)
    settings = {**factories.HYPERPARAMETERS, "rank": 24}
    job = completed(alice, {}, base_model=model, hyperparameters=settings)
    html = part(page(browse, job), "adapter")
    assert "AutoPeftModelForCausalLM" in html
    assert "vllm serve acme/tiny --enable-lora --max-lora-rank 32" in html
    assert f"bin/trainer compare --base acme/tiny --adapter ./job-{job.short_id}-adapter" in html


def test_a_partial_adapter_is_marked_as_one(browse: Browse, alice: User) -> None:
    job = factories.job(alice, Status.CANCELLED, keep_adapter=True)
    factories.artifact(job, is_partial=True)
    html = page(browse, job)
    assert "Download the partial adapter" in part(html, "outcome")
    assert "stopped before its end" in part(html, "adapter")


def test_a_cancelled_job_whose_adapter_was_not_kept_says_so(browse: Browse, alice: User) -> None:
    html = page(browse, factories.job(alice, Status.CANCELLED, keep_adapter=True))
    assert "the cluster handed none over" in html


def test_files_on_their_way_cannot_be_downloaded(browse: Browse, alice: User) -> None:
    job = factories.job(alice, current_stage=Stage.FINALIZATION)
    factories.artifact(job, status="collecting")
    html = page(browse, job)
    assert "The files are on their way" in html
    assert "data-download" not in html


# -- Answers ------------------------------------------------------------------------------------------


def test_answers_without_and_with_the_adapter_stand_side_by_side(browse: Browse, alice: User) -> None:
    html = part(page(browse, completed(alice, {"samples": [{**ANSWERED, "adapter": "TICKET <b>1</b>"}]})), "adapter")
    assert "Where is my parcel?" in html
    for heading, answer in (
        ("Base model", "Sorry!"),
        ("With the adapter", "TICKET &lt;b&gt;1&lt;/b&gt;"),
        ("In the dataset", "TICKET"),
    ):
        assert f'<h3>{heading}</h3> <p class="answer answer-text">{answer}</p>' in html


def test_a_long_answer_is_folded(browse: Browse, alice: User) -> None:
    html = part(page(browse, completed(alice, {"samples": [{**ANSWERED, "adapter": "word " * 400}]})), "adapter")
    assert html.count("<details") == 1
    assert "Show all" in html


@pytest.mark.parametrize(
    ("status", "simulated", "says"),
    [
        (Status.RUNNING, False, "No answers yet"),
        (Status.COMPLETED, False, "This run answered no held-out prompts"),
        (Status.COMPLETED, True, "A simulated run has no model that could answer"),
    ],
)
def test_without_answers_the_page_says_why(
    status: Status, simulated: bool, says: str, browse: Browse, alice: User
) -> None:
    assert says in part(page(browse, factories.job(alice, status, simulated=simulated)), "adapter")


def test_a_simulated_adapter_is_not_recommended_for_use(browse: Browse, alice: User) -> None:
    assert "How to use it" not in page(browse, completed(alice, {}, simulated=True))


# -- What came out ------------------------------------------------------------------------------------

ESTIMATE = {
    "steps": 69,
    "tokens": 80_000,
    "duration_seconds": {"low": 240.0, "high": 420.0},
    "cost": {"low": 0.5, "high": 1.3},
}


def comparison(html: str) -> list[tuple[str, str, str]]:
    """Label, actual and estimate of each line."""
    return re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd><dd class=\"small muted\">(.*?)</dd>", part(html, "outcome"))


def test_the_estimate_stands_beside_what_it_took(browse: Browse, alice: User) -> None:
    job = completed(alice, {"steps": 69, "tokens": {"processed": 100_000}}, estimate=ESTIMATE)
    job.attempts.update(billable_seconds=600.0)
    assert comparison(page(browse, job)) == [
        ("Steps", "69", "estimated 69<br>as estimated"),
        ("Tokens", "100,000", "estimated 80,000<br>1.2 times the estimate"),
        ("Duration", "10 min", "estimated 4 min to 7 min<br>1.8 times the estimate"),
        ("Cost", "$1.12", "estimated $0.50 to $1.30<br>within the range"),
    ]


def test_an_estimate_that_nearly_came_true_is_called_that(browse: Browse, alice: User) -> None:
    job = completed(alice, {"steps": 69, "tokens": {"processed": 81_000}}, estimate=ESTIMATE)
    assert ("Tokens", "81,000", "estimated 80,000<br>about as estimated") in comparison(page(browse, job))


def test_a_run_that_is_over_at_once_is_not_called_a_hundredth(browse: Browse, alice: User) -> None:
    job = completed(alice, {"steps": 69}, estimate=ESTIMATE)
    job.attempts.update(billable_seconds=2.0)
    assert ("Duration", "2 s", "estimated 4 min to 7 min<br>less than a tenth of the estimate") in comparison(
        page(browse, job)
    )


def test_the_pace_of_a_simulated_run_is_no_measure_of_the_estimate(browse: Browse, alice: User) -> None:
    job = completed(alice, {"steps": 69, "tokens": {"processed": 100_000}}, estimate=ESTIMATE, simulated=True)
    job.attempts.update(billable_seconds=2.0)
    said = "simulated: it says nothing about the estimate"
    assert comparison(page(browse, job)) == [
        ("Steps", "69", "estimated 69<br>as estimated"),
        ("Tokens", "100,000", "estimated 80,000<br>1.2 times the estimate"),
        ("Duration", "2 s", f"estimated 4 min to 7 min<br>{said}"),
        ("Cost", "$1.12", f"estimated $0.50 to $1.30<br>{said}"),
    ]


def test_a_run_that_ended_early_is_not_measured_against_the_estimate(browse: Browse, alice: User) -> None:
    job = factories.job(alice, Status.CANCELLED, estimate=ESTIMATE, current_step=20, final_cost=Decimal("0.40"))
    assert ("Steps", "20", "estimated 69") in comparison(page(browse, job))


def test_an_estimate_that_was_not_possible_is_a_dash(browse: Browse, alice: User) -> None:
    job = completed(alice, {}, estimate={**ESTIMATE, "cost": None, "duration_seconds": None})
    assert ("Cost", "$1.12", "estimated —") in comparison(page(browse, job))


def test_jobs_from_before_estimates_were_kept_have_none(browse: Browse, alice: User) -> None:
    assert comparison(page(browse, completed(alice, {}))) == []


def test_how_far_the_validation_loss_fell_is_said(browse: Browse, alice: User) -> None:
    told = {"base_validation_loss": 3.03, "best_validation_loss": 0.15, "best_step": 108, "stopped": "early_stopping"}
    html = part(page(browse, completed(alice, told)), "outcome")
    assert "The validation loss went from 3.0300 without the adapter to 0.1500 at step 108." in html
    assert "stopped early" in html


def test_what_of_the_data_was_not_trained_on_is_said(browse: Browse, alice: User) -> None:
    told = {
        "tokens": {"dataset": 28_800, "lost_to_truncation": 1_200},
        "examples": {"truncated": 3, "without_loss": 1, "skipped": [{"line": 12, "reason": "not valid JSON"}]},
    }
    html = part(page(browse, completed(alice, told)), "outcome")
    assert "1,200 tokens (4.0% of the dataset) were cut off: 3 examples are longer" in html
    assert "1 example had no answer left to learn from" in html
    assert "1 line of the dataset was skipped." in html
    assert "Line 12</strong> not valid JSON" in html


# -- Going on -----------------------------------------------------------------------------------------


def test_an_ended_job_can_be_resumed_from_each_checkpoint_retried_and_cloned(browse: Browse, alice: User) -> None:
    job = factories.job(alice, Status.FAILED, error_code="nan_loss", error_message="The loss became NaN at step 42.")
    factories.checkpoint(job, 20, validation_loss=1.5)
    factories.checkpoint(job, 40, restart=1)
    html = page(browse, job)
    assert 'data-resume="1/0/20"' in part(html, "checkpoints")
    assert 'data-resume="1/1/40"' in part(html, "checkpoints")
    actions = part(html, "outcome")
    assert 'button-primary" data-resume="latest"' in actions
    assert "data-retry" in actions
    assert f'href="/training/configure?clone={job.pk}"' in actions


def test_resuming_asks_for_the_settings_that_may_change(browse: Browse, alice: User) -> None:
    job = factories.job(alice, Status.COMPLETED, hyperparameters={**factories.HYPERPARAMETERS, "learning_rate": 1e-4})
    factories.checkpoint(job, 40, validation_loss=0.5)
    dialog = part(page(browse, job), "resume")
    assert "Step 40, validation loss 0.5000 (best)" in dialog
    assert 'name="learning_rate" value="0.0001" data-was="0.0001"' in dialog
    assert {"epochs", "max_steps"} <= set(re.findall(r'name="(\w+)"', dialog))


def test_jobs_that_belong_together_are_linked(browse: Browse, alice: User) -> None:
    first = factories.job(alice, Status.COMPLETED, name="First")
    saved = factories.checkpoint(first, 40)
    second = factories.job(alice, name="Second", retry_of=first, resume_from=saved)
    onward = page(browse, second)
    assert f'Resumed from step 40 of <a href="/training/jobs/{first.pk}">First</a>' in onward
    assert f'href="/training/jobs/{second.pk}"' in part(page(browse, first), "info")


def test_the_whole_log_can_be_downloaded_as_soon_as_there_is_one(browse: Browse, alice: User) -> None:
    job = factories.job(alice)
    link = f'href="/api/jobs/{job.pk}/logs?download=1" download'
    assert f"{link} hidden" in page(browse, job)
    JobLog.objects.create(job=job, owner=alice, tail="step 1", total_lines=1)
    assert f"{link} >" in page(browse, job)


def test_data_that_is_only_evaluated_on_is_named(browse: Browse, alice: User) -> None:
    held_out = factories.dataset(alice, name="Held out")
    assert "<dd>Held out</dd>" in part(page(browse, factories.job(alice, validation_dataset=held_out)), "info")


def test_hyperparameters_are_written_for_people(browse: Browse, alice: User) -> None:
    html = page(browse, factories.job(alice, created_at=factories.NOW + timedelta(days=1)))
    assert "<dt>Packing</dt><dd>no</dd>" in html
    assert "<dt>Evaluate every</dt><dd>automatic</dd>" in html
