"""Starting a job when things go wrong: whatever the answer, the form says so, keeps all, and never pays twice."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Request, Route, expect

from tests.e2e.conftest import A_TURN_LATER, OURS, Complaints, Open, stand_still
from tests.e2e.installation import Installation
from tests.e2e.test_configure import opened

CHOOSE = "(select, id) => { select.value = id; select.dispatchEvent(new Event('input', { bubbles: true })) }"
MONITOR = re.compile(r"/training/jobs/[0-9a-f-]{36}$")


def fulfilled(status: int, code: str, message: str, **headers: str) -> Callable[[Route], None]:
    body = {"success": False, "error": {"code": code, "message": message, "details": {}}}
    return lambda route: route.fulfill(status=status, json=body, headers={**OURS, **headers})


def log_in(tab: Page, installation: Installation) -> None:
    tab.get_by_label("Username").fill("alice")
    tab.get_by_label("Password").fill(installation.users["alice"]["password"])
    tab.get_by_role("button", name="Log in").click()


def test_whatever_refuses_a_start_is_said_keeps_the_form_and_makes_one_job(
    open_tab: Open, installation: Installation, dataset: dict[str, Any], complaints: Complaints
) -> None:
    tab = opened(open_tab, dataset)
    keys: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/api/jobs"):
            keys.append(request.headers["idempotency-key"])

    tab.on("request", note)
    name, start = tab.get_by_label("Name of the job"), tab.locator("#create")
    alert = tab.locator("#form-error")
    name.fill("Paid for once")
    tab.get_by_role("textbox", name="Epochs").fill("2")

    # The job is made, and its answer lost.
    tab.route("**/api/jobs", lambda route: (route.fetch(), route.abort()))
    start.click()
    expect(alert).to_contain_text("The server does not answer.")
    expect(start).to_be_focused()
    answers = [
        (lambda route: route.abort("internetdisconnected"), "The server does not answer."),
        (
            lambda route: route.fulfill(status=500, body="<h1>Error</h1>", headers=OURS),
            "Something went wrong on our side.",
        ),
        (lambda route: route.fulfill(status=502, body="Bad gateway"), "Something else answers"),
        (fulfilled(503, "database_unavailable", "The database does not answer."), "The database does not answer."),
        (fulfilled(409, "job_conflict", "The cluster trains other models."), "The cluster trains other models."),
        (lambda route: route.fulfill(status=200, body="<h1>Airport</h1>"), "Something else answers"),
        (lambda route: route.fulfill(status=408, body=""), "Something else answers"),
    ]
    for answer, words in answers:
        tab.unroute("**/api/jobs")
        tab.route("**/api/jobs", answer)
        tab.keyboard.press("Control+Enter")
        expect(alert).to_contain_text(words)
        expect(alert).to_contain_text("What you filled in is kept")
        expect(alert).to_be_in_viewport()
        expect(start).to_have_text("Start training")
        expect(name).to_have_value("Paid for once")

    # The session ends in another tab: through the login back to all that was there.
    tab.unroute("**/api/jobs")
    tab.context.clear_cookies()
    start.click()
    expect(alert).to_contain_text("You are logged out.")
    again = alert.get_by_role("link", name="Log in again")
    expect(again).to_be_focused()
    tab.keyboard.press("Enter")
    log_in(tab, installation)
    expect(name).to_have_value("Paid for once")
    expect(tab.get_by_role("textbox", name="Epochs")).to_have_value("2")
    expect(alert).to_contain_text("got no answer")

    # Somebody logs in anew in another tab: this page's token is void, and a reload keeps all.
    tab.context.clear_cookies()
    other = tab.context.new_page()
    other.goto("/login?next=/settings/tokens")
    log_in(other, installation)
    other.wait_for_url("**/settings/tokens")
    tab.locator("#create").click()
    expect(alert).to_contain_text("This page is out of date")
    expect(alert.get_by_role("link", name="Reload the page")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(name).to_have_value("Paid for once")
    expect(alert).to_contain_text("got no answer")

    tab.locator("#create").dblclick()
    tab.wait_for_url(MONITOR)
    assert len(set(keys)) == 1
    assert installation.api("alice").get("jobs", search="Paid for once")["pagination"]["total"] == 1
    complaints.forgive()  # every refusal


def test_while_the_server_wants_no_request_the_button_counts_down_and_sends_none(
    open_tab: Open, dataset: dict[str, Any], complaints: Complaints
) -> None:
    tab = opened(open_tab, dataset, has_clock=True)
    asked: list[Route] = []
    start = tab.locator("#create")

    def answer(route: Route) -> None:
        asked.append(route)
        fulfilled(429, "throttled", "Too many requests.", **{"Retry-After": "3"})(route)

    tab.route("**/api/jobs", answer)
    stand_still(tab)
    start.click()
    expect(tab.locator("#form-error")).to_contain_text("Too many requests.")
    expect(start).to_have_text("Try again in 3 s")
    start.click(force=True)
    tab.keyboard.press("Control+Enter")
    for words in ("Try again in 2 s", "Try again in 1 s", "Start training"):
        tab.clock.fast_forward(1000)
        expect(start).to_have_text(words)
    assert len(asked) == 1
    complaints.forgive()  # the browser notes the 429


def test_a_dataset_that_is_deleted_meanwhile_is_refused_beside_its_field(
    open_tab: Open, installation: Installation, dataset: dict[str, Any], complaints: Complaints
) -> None:
    gone = installation.await_ready("alice", installation.dataset("alice", "Short lived"))
    tab = opened(open_tab, gone)
    tab.get_by_label("Name of the job").fill("Never made")
    expect(tab.locator("#estimate")).to_have_attribute("aria-busy", "false")
    token = installation.users["alice"]["token"]
    tab.request.delete(f"/api/datasets/{gone['id']}", headers={"Authorization": f"Bearer {token}"})
    tab.get_by_role("button", name="Start training").click()
    expect(tab.locator("#dataset_id-error")).to_contain_text("choose another one")
    expect(tab.locator(":focus")).to_have_accessible_name("Dataset")  # or what stands in for a long list
    tab.get_by_label("Number of GPUs").select_option("2")
    expect(tab.locator("#estimate-problem")).to_contain_text("when the marked fields are right")
    expect(tab.locator("#dataset_id-error")).to_contain_text("choose another one")
    complaints.forgive()  # the browser notes the 404


def test_a_single_gpu_type_that_nobody_chose_is_not_taken(open_tab: Open, dataset: dict[str, Any]) -> None:
    tab = opened(open_tab, dataset)
    tab.evaluate("document.querySelectorAll('tr[data-gpu]:not(:first-child)').forEach(row => row.remove())")
    tab.evaluate("document.querySelector('[name=gpu_type]').checked = false")  # as in a clone whose type is gone
    tab.get_by_role("button", name="Start training").click()
    expect(tab.locator("#gpu_type-error")).to_have_text("Choose a GPU type.")
    expect(tab.get_by_role("radio", name="H100-80GB")).to_be_focused()


def test_an_answer_that_comes_late_never_replaces_a_newer_one(open_tab: Open, dataset: dict[str, Any]) -> None:
    tab = opened(open_tab, dataset)
    held: list[Route] = []
    gpus, price = tab.get_by_label("Number of GPUs"), tab.locator('[data-estimate="price"]')

    def answer(route: Route) -> None:
        if '"count":8' in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    tab.route("**/api/jobs/estimate", answer)
    with tab.expect_request("**/api/jobs/estimate"):
        gpus.select_option("8")
    gpus.select_option("2")
    expect(price).to_have_text("$8.40")
    (late,) = held
    late.fulfill(response=late.fetch())
    tab.evaluate(A_TURN_LATER)  # whatever the late answer does is done
    assert price.inner_text() == "$8.40"
    assert tab.locator("#gist-cost").inner_text() == tab.locator('[data-estimate="cost"]').inner_text()


def test_the_facts_are_those_of_the_chosen_dataset_however_late_others_come(
    open_tab: Open, installation: Installation, dataset: dict[str, Any]
) -> None:
    other = installation.await_ready("alice", installation.dataset("alice", "Chosen by mistake"))
    tab = opened(open_tab, dataset)
    held: list[Route] = []
    tab.route(f"**/training/configure/datasets/{other['id']}", lambda route: held.append(route))
    for chosen in (other, dataset):
        tab.locator('[name="dataset_id"]').evaluate(CHOOSE, chosen["id"])
        tab.evaluate(A_TURN_LATER)
    (late,) = held
    late.fulfill(response=late.fetch())
    tab.evaluate(A_TURN_LATER)
    facts = tab.locator("#dataset-facts")
    expect(facts).to_have_attribute("aria-busy", "false")
    assert facts.get_by_role("link", name="Look into Sums").count() == 1


def test_without_scripts_the_form_estimates_refuses_and_starts_one_job(
    open_tab: Open, installation: Installation, dataset: dict[str, Any], complaints: Complaints
) -> None:
    tab = open_tab("alice", f"/training/configure?dataset={dataset['id']}", java_script_enabled=False)
    expect(tab.locator('[data-estimate="steps"]')).to_have_text("675")
    tab.get_by_role("radio", name="Quick Test").check()
    tab.get_by_label("Number of GPUs").select_option("2")
    tab.get_by_label("Name of the job").fill("No scripts")
    tab.get_by_label("Name of the job").press("Enter")  # estimates, and spends nothing
    expect(tab.locator('[data-estimate="price"]')).to_have_text("$8.40")
    epochs = tab.get_by_role("textbox", name="Epochs")
    expect(epochs).to_have_value("1")
    epochs.fill("51")
    tab.get_by_role("button", name="Start training").click()
    expect(tab.locator("#epochs-error")).to_have_text("Must be a whole number from 1 to 50, not 51.")
    expect(tab.get_by_role("link", name="Epochs: Must be")).to_be_visible()
    epochs.fill("1")
    tab.get_by_role("button", name="Start training").dblclick()
    tab.wait_for_url(MONITOR)
    assert installation.api("alice").get("jobs", search="No scripts")["pagination"]["total"] == 1
    complaints.forgive()  # the browser notes the 400


def test_no_amount_is_read_as_another_one_than_was_meant(
    open_tab: Open, dataset: dict[str, Any], complaints: Complaints
) -> None:
    tab = opened(open_tab, dataset)
    budget, error = tab.get_by_label("Budget in dollars"), tab.locator("#max_cost-error")
    tab.get_by_text("The same as an API call").click()
    body = tab.locator("#call-json")
    tab.get_by_role("tab", name="JSON").click()
    for text, number in (("1,5", "1.5"), ("1,000", "1000"), ("$20", "20"), ("", "null")):
        budget.fill(text)
        expect(body).to_contain_text(f'"max_cost": {number},')
    for text in ("0", "-1", "1e999", "1e9", "1,2,3", "0.001", "0x10"):
        budget.fill(text)
        expect(error).to_contain_text("Must be an amount in dollars and whole cents from 0.01 to 1,000,000")
        budget.fill("")
        expect(error).to_be_hidden()
    complaints.forgive()  # the browser notes each 400
