"""The form for a new job: it estimates, refuses beside the field, and makes one job however often it is sent."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import Complaints, Open
from tests.e2e.installation import Installation


def opened(open_tab: Open, dataset: dict[str, Any], **options: Any) -> Page:
    tab = open_tab("alice", f"/training/configure?dataset={dataset['id']}", **options)
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
    expect(tab.locator("#preset-changed")).to_have_text("1 value changed")
    tab.get_by_role("button", name="Reset to Quick Test").click()
    expect(epochs).to_have_value("1")
    epochs.fill("2")
    expect(tab.get_by_label("LoRA rank")).to_be_hidden()
    tab.get_by_role("radio", name="Custom").check()
    expect(tab.get_by_label("LoRA rank")).to_be_visible()
    expect(epochs).to_have_value("3")
    tab.get_by_role("button", name="Bring my changes back").click()
    expect(epochs).to_have_value("2")


def test_the_form_says_what_fits_which_gpu_and_what_the_maximum_length_cuts_off(
    open_tab: Open, dataset: dict[str, Any]
) -> None:
    tab = opened(open_tab, dataset)
    fits = tab.get_by_role("row").filter(has_text="V100-32GB")
    expect(fits).to_contain_text("Fits16.1 of 32 GiB")
    expect(fits).to_contain_text("Cheapest")
    expect(tab.get_by_role("row").filter(has_text="H100-80GB")).to_contain_text("Fastest")
    expect(tab.locator('[data-estimate="lost"]')).to_have_text("nothing")
    tab.get_by_text("Advanced settings").click()
    tab.get_by_label("LoRA rank").fill("192")
    advice = tab.locator("#rank-advice")
    expect(advice).to_contain_text("--max-lora-rank 256")
    tab.get_by_label("Warnings").get_by_role("link", name="--max-lora-rank 256").click()
    expect(tab.get_by_label("LoRA rank")).to_be_focused()
    tab.get_by_role("checkbox", name="Packing").check()
    fits.get_by_text("$2.10").click()  # anywhere in the row
    expect(tab.get_by_role("radio", name="V100-32GB")).to_be_checked()
    expect(tab.locator('[data-estimate="price"]')).to_have_text("$2.10")
    expect(fits).to_contain_text("Tight")
    expect(tab.get_by_label("Warnings")).to_contain_text("it may run out of memory")
    tab.get_by_text("Where the memory goes").click()
    expect(tab.locator("#memory-parts")).to_contain_text("Logits")


def test_a_clone_starts_as_its_job_was(open_tab: Open, installation: Installation, dataset: dict[str, Any]) -> None:
    job = installation.job("alice", dataset, name="Original", hyperparameters={"epochs": 1, "rank": 8, "packing": True})
    tab = open_tab("alice", f"/training/configure?clone={job['id']}")
    expect(tab.get_by_text("Filled in from Original.")).to_be_visible()
    expect(tab.get_by_label("Name of the job")).to_have_value("Original 2")
    expect(tab.get_by_label("LoRA rank")).to_have_value("8")
    expect(tab.get_by_role("checkbox", name="Packing")).to_be_checked()
    expect(tab.get_by_label("Number of GPUs")).to_have_value("2")
    expect(tab.locator(".is-changed")).to_have_count(3)
    tab.get_by_label("Name of the job").fill("Copy")
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
    tab.get_by_label("Budget in dollars").fill("much")
    tab.get_by_role("button", name="Start training").click()
    expect(tab.locator("#epochs-error")).to_contain_text("a whole number from 1 to 50")
    expect(epochs).to_have_attribute("aria-invalid", "true")
    expect(epochs).to_be_focused()
    summary = tab.locator("#problems")
    expect(summary).to_contain_text("2 fields need a look")
    summary.get_by_role("link", name="Budget in dollars").click()
    expect(tab.get_by_label("Budget in dollars")).to_be_focused()
    tab.get_by_label("Budget in dollars").fill("")
    epochs.fill("5")
    expect(tab.locator("#epochs-error")).to_be_hidden()
    expect(summary).to_be_hidden()
    complaints.forgive()  # the browser notes each 400


def test_a_form_sent_twice_makes_one_job(open_tab: Open, installation: Installation, dataset: dict[str, Any]) -> None:
    tab = opened(open_tab, dataset)
    tab.get_by_label("Name of the job").fill("Sent twice")
    tab.get_by_role("button", name="Start training").dblclick()
    tab.wait_for_url(re.compile(r"/training/jobs/[0-9a-f-]{36}$"))
    assert installation.api("alice").get("jobs", search="Sent twice")["pagination"]["total"] == 1


def test_a_form_sent_again_after_a_lost_answer_makes_one_job(
    open_tab: Open, installation: Installation, dataset: dict[str, Any], complaints: Complaints
) -> None:
    tab = opened(open_tab, dataset)
    tab.get_by_label("Name of the job").fill("Answer lost")

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    tab.route("**/api/jobs", lose_the_answer)
    tab.get_by_role("button", name="Start training").click()
    expect(tab.get_by_text("The server does not answer.")).to_be_visible()
    tab.unroute("**/api/jobs")
    tab.reload()
    expect(tab.get_by_label("Name of the job")).to_have_value("Answer lost")
    expect(tab.get_by_text("got no answer")).to_be_visible()
    tab.keyboard.press("Control+Enter")
    tab.wait_for_url(re.compile(r"/training/jobs/[0-9a-f-]{36}$"))
    assert installation.api("alice").get("jobs", search="Answer lost")["pagination"]["total"] == 1
    complaints.forgive()  # the lost answer


def test_a_form_changed_after_a_lost_answer_says_which_job_there_is_already(
    open_tab: Open, installation: Installation, dataset: dict[str, Any], complaints: Complaints
) -> None:
    tab = opened(open_tab, dataset)
    tab.get_by_label("Name of the job").fill("Arrived")
    tab.route("**/api/jobs", lambda route: (route.fetch(), route.abort()))
    tab.get_by_role("button", name="Start training").click()
    expect(tab.get_by_text("The server does not answer.")).to_be_visible()
    tab.unroute("**/api/jobs")
    tab.get_by_label("Name of the job").fill("Arrived and changed")
    tab.get_by_role("button", name="Start training").click()
    expect(tab.get_by_text("Your earlier try arrived after all")).to_be_visible()
    expect(tab.get_by_role("link", name="Arrived", exact=True)).to_be_visible()
    assert installation.api("alice").get("jobs", search="Arrived")["pagination"]["total"] == 1
    tab.get_by_role("button", name="Start training").click()  # another one, on purpose
    tab.wait_for_url(re.compile(r"/training/jobs/[0-9a-f-]{36}$"))
    assert installation.api("alice").get("jobs", search="Arrived")["pagination"]["total"] == 2
    complaints.forgive()  # the lost answer and the 409


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
    expect(tab.locator("#budget-share")).to_contain_text("% of the budget")
    tab.get_by_label("Number of GPUs").select_option("8")
    tab.get_by_text("Advanced settings").click()
    tab.get_by_label("Maximum steps").fill("200000")  # it does not end by itself before it is stopped
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
    # What it cost in the end is a matter of how quickly this machine looked and stopped it (see jobs.budget).
    assert (job["error"]["code"], job["max_cost"]) == ("budget_reached", 0.04)
    complaints.forgive()  # the browser notes the 400


def test_the_form_is_written_as_a_call_that_makes_the_same_job(
    open_tab: Open, installation: Installation, dataset: dict[str, Any], tmp_path: Path
) -> None:
    tab = opened(open_tab, dataset)
    tab.get_by_text("The same as an API call").click()
    tab.get_by_label("Name of the job").fill("It's called")
    tab.get_by_role("textbox", name="Epochs").fill("1")
    tab.get_by_text("Advanced settings").click()
    tab.get_by_role("checkbox", name="Packing").check()
    environment = {**os.environ, "LORA_TOKEN": installation.users["alice"]["token"]}
    command = tab.locator("#call-curl").inner_text()
    answer = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, check=True)
    made = json.loads(answer.stdout)["data"]["job"]
    tab.get_by_role("tab", name="Python").click()
    program = tmp_path / "call.py"
    program.write_text(tab.locator("#call-python").inner_text())
    printed = subprocess.run([sys.executable, program], env=environment, capture_output=True, check=True)
    assert printed.stdout.decode().strip() == made["id"]  # the same key, so the same job
    assert (made["name"], made["hyperparameters"]["epochs"]) == ("It's called", 1)
    assert made["hyperparameters"]["packing"] is True
    tab.get_by_role("tab", name="JSON").click()
    assert json.loads(tab.locator("#call-json").inner_text())["name"] == "It's called"
    tab.get_by_label("Number of GPUs").select_option("2")
    expect(tab.locator("#call-json")).to_contain_text('"count": 2')
    expect(tab.get_by_role("button", name="Copy the JSON body")).to_have_attribute(
        "data-copy", re.compile('"count": 2')
    )


def test_a_reload_and_a_return_keep_what_was_filled_in(open_tab: Open, dataset: dict[str, Any]) -> None:
    tab = opened(open_tab, dataset)
    tab.get_by_role("radio", name="Quality").check()
    tab.get_by_text("Advanced settings").click()
    tab.get_by_label("LoRA rank").fill("8")
    tab.get_by_role("radio", name="A100-40GB").check()
    tab.reload()
    expect(tab.get_by_label("LoRA rank")).to_have_value("8")
    expect(tab.get_by_label("LoRA rank")).to_be_visible()  # a changed setting is never folded away
    expect(tab.get_by_role("radio", name="Quality")).to_be_checked()
    expect(tab.get_by_role("radio", name="A100-40GB")).to_be_checked()
    tab.goto("/datasets")
    tab.goto(f"/training/configure?dataset={dataset['id']}")
    expect(tab.get_by_label("LoRA rank")).to_have_value("16")
    tab.get_by_role("button", name="Bring it back").click()
    expect(tab.get_by_label("LoRA rank")).to_have_value("8")
    expect(tab.get_by_label("LoRA rank")).to_be_visible()
    # A draft as an older form may have written it is none, and harms nothing.
    for draft in (
        '{"rank": 8}',
        '{"values": null, "at": 1}',
        '{"values": {"rank": {}, "gone": 1}, "at": 1}',
        "nonsense",
    ):
        tab.evaluate("draft => Object.keys(sessionStorage).forEach(key => sessionStorage.setItem(key, draft))", draft)
        tab.reload()
        expect(tab.locator("#estimate")).to_have_attribute("aria-busy", "false")
        expect(tab.get_by_role("button", name="Start training")).to_be_enabled()


def test_an_estimate_that_does_not_come_says_so_and_is_asked_for_again(
    open_tab: Open, dataset: dict[str, Any], complaints: Complaints
) -> None:
    tab = opened(open_tab, dataset)
    tab.route("**/api/jobs/estimate", lambda route: route.abort())
    tab.get_by_label("Number of GPUs").select_option("2")
    expect(tab.locator("#estimate-problem").get_by_text("The server does not answer.")).to_be_visible()
    expect(tab.locator('[data-estimate="cost"]')).to_have_text("—")
    tab.unroute("**/api/jobs/estimate")
    tab.get_by_role("button", name="Try again").click()
    expect(tab.locator('[data-estimate="price"]')).to_have_text("$8.40")
    complaints.forgive()  # the lost answers


def test_a_job_is_configured_and_started_by_keys_on_a_phone(
    open_tab: Open, installation: Installation, dataset: dict[str, Any]
) -> None:
    others = [installation.dataset("alice", f"Phone {number}") for number in range(8)]
    for other in others:
        installation.await_ready("alice", other)
    tab = open_tab("alice", "/training/configure", viewport={"width": 390, "height": 800})
    bar = tab.locator("#start")
    expect(bar).to_be_in_viewport()
    expect(bar).to_contain_text("$")
    search = tab.get_by_role("combobox", name="Dataset", exact=True)
    search.focus()
    tab.keyboard.type("phone 3")
    expect(tab.get_by_role("listbox", name="Dataset").get_by_role("option")).to_have_count(1)
    tab.keyboard.press("Enter")
    expect(search).to_have_value(re.compile("^Phone 3 — "))
    expect(tab.locator("#dataset-facts")).to_contain_text("Look into Phone 3")
    tab.get_by_role("radio", name="Recommended").focus()
    tab.keyboard.press("ArrowDown")
    expect(tab.get_by_role("radio", name="Quick Test")).to_be_checked()
    tab.get_by_role("radio", name="H100-80GB").focus()
    tab.keyboard.press("ArrowDown")
    expect(tab.get_by_role("radio", name="A100-80GB")).to_be_checked()
    tab.get_by_label("Budget in dollars").focus()
    tab.keyboard.type("50")
    tab.keyboard.press("Enter")  # alone it starts nothing
    tab.keyboard.press("Control+Enter")
    tab.wait_for_url(re.compile(r"/training/jobs/[0-9a-f-]{36}$"))
    made = installation.api("alice").get(f"jobs/{tab.url.rpartition('/')[2]}")["job"]
    assert (made["name"], made["gpu_config"]["type"]) == ("Phone 3 · fast", "A100-80GB")
