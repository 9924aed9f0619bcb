"""The form for a new job: it estimates, refuses beside the field, and makes one job however often it is sent."""

import re
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import Complaints, Open
from tests.e2e.installation import Installation


def opened(open_tab: Open, dataset: dict[str, Any]) -> Page:
    tab = open_tab("alice", f"/training/configure?dataset={dataset['id']}")
    expect(tab.locator("#estimate")).to_have_attribute("aria-busy", "false")
    return tab


def test_the_estimate_follows_the_choices(open_tab: Open, dataset: dict[str, Any]) -> None:
    tab = opened(open_tab, dataset)
    expect(tab.locator('[data-estimate="price"]')).to_have_text("$4.20")
    expect(tab.locator('[data-estimate="steps"]')).to_have_text("675")
    tab.get_by_label("Number of GPUs").select_option("2")
    expect(tab.locator('[data-estimate="price"]')).to_have_text("$8.40")
    expect(tab.locator('[data-estimate="steps"]')).to_have_text("339")
    expect(tab.locator("#effective-batch")).to_have_text("8")


def test_a_preset_fills_the_fields_and_changes_are_marked(open_tab: Open, dataset: dict[str, Any]) -> None:
    tab = opened(open_tab, dataset)
    tab.get_by_role("radio", name="Quick Test").check()
    epochs = tab.get_by_role("textbox", name="Epochs")
    expect(epochs).to_have_value("1")
    expect(tab.locator(".is-changed")).to_have_count(0)
    epochs.fill("2")
    expect(tab.locator(".is-changed")).to_have_count(1)
    expect(tab.get_by_label("LoRA rank")).to_be_hidden()
    tab.get_by_role("radio", name="Custom").check()
    expect(tab.get_by_label("LoRA rank")).to_be_visible()


def test_the_form_says_what_fits_which_gpu_and_what_the_maximum_length_cuts_off(
    open_tab: Open, dataset: dict[str, Any]
) -> None:
    tab = opened(open_tab, dataset)
    fits = tab.locator("#verdicts li").filter(has_text="V100-32GB")
    expect(fits).to_contain_text("Fits")
    expect(tab.locator('[data-estimate="lost"]')).to_have_text("nothing")
    tab.get_by_text("Advanced settings").click()
    tab.get_by_role("checkbox", name="Packing").check()
    tab.get_by_label("LoRA rank").fill("192")
    tab.get_by_label("GPU type").select_option("V100-32GB")
    expect(fits).to_contain_text("Tight")
    expect(tab.get_by_label("Warnings")).to_contain_text("it may run out of memory")
    tab.get_by_text("Where it goes").click()
    expect(tab.locator(".memory-parts")).to_contain_text("Logits")


def test_a_clone_starts_as_its_job_was(open_tab: Open, installation: Installation, dataset: dict[str, Any]) -> None:
    job = installation.job("alice", dataset, name="Original", hyperparameters={"epochs": 1, "rank": 8, "packing": True})
    tab = open_tab("alice", f"/training/configure?clone={job['id']}")
    expect(tab.get_by_text("Filled in from Original.")).to_be_visible()
    expect(tab.get_by_label("LoRA rank")).to_have_value("8")
    expect(tab.get_by_role("checkbox", name="Packing")).to_be_checked()
    expect(tab.get_by_label("Number of GPUs")).to_have_value("2")
    expect(tab.locator(".is-changed")).to_have_count(3)
    tab.get_by_label("Name").fill("Copy")
    tab.get_by_role("button", name="Start training").click()
    tab.wait_for_url(re.compile(r"/training/jobs/[0-9a-f-]{36}$"))
    copy = installation.api("alice").get(f"jobs/{tab.url.rpartition('/')[2]}")["job"]
    assert copy["hyperparameters"] == job["hyperparameters"]


def test_a_value_out_of_range_is_refused_beside_its_field(
    open_tab: Open, dataset: dict[str, Any], complaints: Complaints
) -> None:
    tab = opened(open_tab, dataset)
    epochs = tab.get_by_role("textbox", name="Epochs")
    epochs.fill("51")
    tab.get_by_role("button", name="Start training").click()
    expect(tab.locator("#epochs-error")).to_contain_text("a whole number from 1 to 50")
    expect(epochs).to_have_attribute("aria-invalid", "true")
    expect(epochs).to_be_focused()
    epochs.fill("5")
    expect(tab.locator("#epochs-error")).to_be_hidden()
    complaints.forgive()  # the browser notes each 400


def test_a_form_sent_twice_makes_one_job(open_tab: Open, installation: Installation, dataset: dict[str, Any]) -> None:
    tab = opened(open_tab, dataset)
    tab.get_by_label("Name").fill("Sent twice")
    tab.get_by_role("button", name="Start training").dblclick()
    tab.wait_for_url(re.compile(r"/training/jobs/[0-9a-f-]{36}$"))
    assert installation.api("alice").get("jobs", search="Sent twice")["pagination"]["total"] == 1


def test_a_form_sent_again_after_a_lost_answer_makes_one_job(
    open_tab: Open, installation: Installation, dataset: dict[str, Any], complaints: Complaints
) -> None:
    tab = opened(open_tab, dataset)
    tab.get_by_label("Name").fill("Answer lost")

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    tab.route("**/api/jobs", lose_the_answer)
    tab.get_by_role("button", name="Start training").click()
    expect(tab.get_by_text("The server does not answer.")).to_be_visible()
    tab.unroute("**/api/jobs")
    tab.get_by_role("button", name="Start training").click()
    tab.wait_for_url(re.compile(r"/training/jobs/[0-9a-f-]{36}$"))
    assert installation.api("alice").get("jobs", search="Answer lost")["pagination"]["total"] == 1
    complaints.forgive()  # the lost answer


def test_without_a_ready_dataset_the_form_leads_to_the_datasets(open_tab: Open) -> None:
    tab = open_tab("operator", "/training/configure")
    expect(tab.get_by_role("heading", name="No dataset is ready yet")).to_be_visible()
    expect(tab.get_by_role("link", name="Go to datasets")).to_have_attribute("href", "/datasets")


def test_a_budget_is_doubted_beside_the_estimate_kept_and_enforced(
    open_tab: Open, installation: Installation, dataset: dict[str, Any], complaints: Complaints
) -> None:
    tab = opened(open_tab, dataset)
    budget = tab.get_by_label("Budget in dollars")
    budget.fill("free")
    expect(tab.locator("#max_cost-error")).to_contain_text("from 0.01 to 1,000,000")
    budget.fill("0,04")  # the comma of other countries
    expect(tab.get_by_label("Warnings")).to_contain_text("The budget of $0.04 is below the estimate")
    tab.get_by_role("textbox", name="Epochs").fill("50")
    tab.get_by_label("Number of GPUs").select_option("8")
    tab.get_by_text("Advanced settings").click()
    tab.get_by_label("Loss jumps").select_option("Stop, keep the adapter")
    tab.get_by_role("button", name="Start training").click()
    tab.wait_for_url(re.compile(r"/training/jobs/[0-9a-f-]{36}$"))
    expect(tab.get_by_role("progressbar", name="Budget used")).to_be_visible()
    expect(tab.locator("#badge")).to_have_text("Cancelled")
    expect(tab.get_by_role("region", name="Outcome")).to_contain_text("its budget of $0.04")
    tab.get_by_role("tab", name="Configuration").click()
    expect(tab.get_by_role("tabpanel", name="Configuration")).to_contain_text("Budget$0.04")
    expect(tab.get_by_role("tabpanel", name="Configuration")).to_contain_text("Loss jumpsStop, keep the adapter")
    job = installation.api("alice").get(f"jobs/{tab.url.rpartition('/')[2]}")["job"]
    assert (job["error"]["code"], job["max_cost"]) == ("budget_reached", 0.04)
    assert job["final_cost"] <= 0.04
    complaints.forgive()  # the browser notes the 400
