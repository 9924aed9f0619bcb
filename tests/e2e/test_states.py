"""What every page does alike: its theme, a lost connection, an ended log-in, paper, colours of the reader's own."""

from typing import Any

from playwright.sync_api import Page, Request, Route, expect

from tests.e2e.conftest import A_TURN_LATER, AT_ONCE, LOOKED_AT, OURS, Complaints, Open, hear, held_back, stand_still
from tests.e2e.installation import Installation

PAGE_COLOR = "getComputedStyle(document.body).backgroundColor"
DARK, LIGHT = "rgb(14, 18, 23)", "rgb(245, 246, 248)"


def banner(tab: Page) -> Any:
    return tab.locator("#connection > p")


def test_a_theme_is_chosen_and_kept_and_the_server_writes_it(open_tab: Open) -> None:
    tab = open_tab("operator", "/training/jobs", color_scheme="light")
    tab.get_by_label("Account of operator").click()
    tab.get_by_label("Dark").check()
    assert tab.evaluate(PAGE_COLOR) == DARK
    answer = tab.goto("/datasets")
    assert answer is not None
    assert '<meta name="color-scheme" content="dark">' in answer.text()
    assert tab.evaluate(PAGE_COLOR) == DARK
    tab.goto("/admin/")
    assert tab.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    tab.get_by_label("System").check()
    tab.goto("/datasets")
    assert tab.evaluate(PAGE_COLOR) == LIGHT


def test_paper_is_light_and_has_nothing_to_press(open_tab: Open, dataset: dict[str, Any]) -> None:
    tab = open_tab("alice", f"/datasets/{dataset['id']}", color_scheme="dark")
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    expect(tab.get_by_role("heading", name="Sums")).to_be_visible()
    for gone in (".site-header", ".site-footer", "main .button", '[role="tablist"]'):
        for one in tab.locator(gone).all():
            expect(one).to_be_hidden()
    for panel in tab.locator('[role="tabpanel"]').all():
        expect(panel).to_be_visible()


def test_paper_has_all_of_a_job_whichever_tab_is_open(
    open_tab: Open, installation: Installation, dataset: dict[str, Any]
) -> None:
    job = installation.await_end("alice", installation.job("alice", dataset))
    tab = open_tab("alice", f"/training/jobs/{job['id']}#timeline")
    expect(tab.locator('[data-field="points"]')).to_contain_text("points")  # what the curves are drawn of is there
    expect(tab.locator(".chart canvas")).to_have_count(0)
    tab.evaluate("""addEventListener("beforeprint", () => {
        window.printed = document.querySelectorAll(".chart canvas").length;
    })""")
    tab.pdf()
    assert tab.evaluate("printed") >= 5  # loss, learning rate, GPU, throughput, gradient norm
    expect(tab.locator("#panel-timeline")).to_be_visible()
    expect(tab.locator("#panel-metrics")).to_be_hidden()


def test_a_printed_list_has_its_heads_above_their_columns(
    open_tab: Open, installation: Installation, dataset: dict[str, Any]
) -> None:
    installation.await_end("alice", installation.job("alice", dataset))
    tab = open_tab("alice", "/training/jobs")
    tab.emulate_media(media="print")
    heads, cells = tab.locator(".jobs-table").evaluate("""table => ["thead tr", "tbody tr"].map((row) =>
        [...table.querySelector(row).children].filter((cell) => cell.offsetWidth)
            .map((cell) => Math.round(cell.getBoundingClientRect().right)))""")
    assert heads == cells


def test_forms_that_say_what_is_set_are_printed_without_their_buttons(open_tab: Open, dataset: dict[str, Any]) -> None:
    for path, label in (("/training/configure", "Learning rate"), ("/settings/notifications", "Job failed: inbox")):
        tab = open_tab("alice", path)
        tab.emulate_media(media="print")
        expect(tab.get_by_label(label).first).to_be_visible()
        for button in tab.locator("main").get_by_role("button").all():
            expect(button).to_be_hidden()


def test_with_colours_of_the_reader_s_own_the_chosen_tab_still_stands_out(
    open_tab: Open, installation: Installation, dataset: dict[str, Any]
) -> None:
    job = installation.await_end("alice", installation.job("alice", dataset))
    tab = open_tab("alice", f"/training/jobs/{job['id']}", forced_colors="active")
    borders = tab.get_by_role("tab").evaluate_all("tabs => tabs.map(tab => getComputedStyle(tab).borderBottomColor)")
    assert len(set(borders)) == 2


def test_a_lost_connection_is_told_on_any_page_until_it_is_back(open_tab: Open, complaints: Complaints) -> None:
    tab = open_tab("alice", "/settings/tokens", has_clock=True)
    tab.context.set_offline(True)
    expect(banner(tab)).to_contain_text("You are offline")
    tab.context.set_offline(False)
    expect(banner(tab)).to_be_hidden()
    hear(tab, "The connection is back.")

    tab.route("**/*", lambda route: route.abort())
    stand_still(tab)  # after the route: it asks once more, and an answer would hide what follows
    tab.evaluate(LOOKED_AT)  # the page looks whether jobs move
    expect(banner(tab)).to_contain_text("The server does not answer")
    asked: list[Request] = []
    tab.on("request", lambda request: asked.append(request))
    while not any(request.url.endswith("/health") for request in asked):  # at once, but for one that is on its way
        banner(tab).get_by_role("button", name="Try now").click()
    tab.unroute_all()
    tab.clock.resume()
    expect(banner(tab)).to_be_hidden()
    complaints.forgive()  # requests without an answer are errors in the console


def test_a_sign_of_life_does_not_hide_that_the_log_in_is_over(open_tab: Open, complaints: Complaints) -> None:
    tab = open_tab("alice", "/settings/tokens")
    tab.context.clear_cookies()
    with tab.expect_response("**/health") as answer, held_back(tab, "**/health"):
        tab.evaluate(AT_ONCE)
        expect(banner(tab)).to_contain_text("You are logged out.")
    assert answer.value.ok
    tab.evaluate(A_TURN_LATER)
    expect(banner(tab)).to_contain_text("You are logged out.")
    complaints.forgive()  # the browser notes the 401


def test_an_answer_from_before_the_log_in_ended_is_no_new_log_in(open_tab: Open, complaints: Complaints) -> None:
    tab = open_tab("alice", "/settings/tokens")
    unread = "**/api/notifications/unread"
    kept: list[Route] = []
    tab.route(unread, lambda route: kept.append(route))
    with tab.expect_request(unread):
        tab.evaluate(LOOKED_AT)
    tab.context.clear_cookies()
    with tab.expect_response("**/api/processing"):
        tab.evaluate(LOOKED_AT)
    expect(banner(tab)).to_contain_text("You are logged out.")
    with tab.expect_request(unread):  # the bell asks again, and hears nothing
        kept[0].fulfill(json={"success": True, "data": {"unread": 0, "newest": None}}, headers=OURS)
    expect(banner(tab)).to_contain_text("You are logged out.")
    complaints.forgive()  # the 401


def test_an_ended_log_in_leads_through_the_login_back_to_the_page(
    open_tab: Open, installation: Installation, complaints: Complaints
) -> None:
    tab = open_tab("alice", "/settings/tokens?from=here")
    tab.context.clear_cookies()
    tab.evaluate(LOOKED_AT)
    expect(banner(tab)).to_contain_text("You are logged out.")
    banner(tab).get_by_role("link", name="Log in again").click()
    tab.get_by_label("Username").fill("alice")
    tab.get_by_label("Password").fill(installation.users["alice"]["password"])
    tab.get_by_role("button", name="Log in").click()
    tab.wait_for_url("**/settings/tokens?from=here")
    complaints.forgive()  # the browser notes the 401


def test_a_part_that_is_refused_says_when_to_try_again_and_does(
    open_tab: Open, installation: Installation, dataset: dict[str, Any], complaints: Complaints
) -> None:
    other = installation.await_ready("alice", installation.dataset("alice", "More sums"))
    tab = open_tab("alice", f"/training/configure?dataset={dataset['id']}", has_clock=True)
    stand_still(tab)
    tab.route("**/training/configure/datasets/*", lambda route: route.fulfill(status=429, headers={"Retry-After": "5"}))
    tab.get_by_role("combobox", name="Dataset", exact=True).focus()
    tab.keyboard.type(other["name"])
    tab.keyboard.press("Enter")
    problem = tab.get_by_role("alert").filter(has_text="Too many requests")
    expect(problem.get_by_role("button", name="Try again in")).to_be_disabled()
    tab.unroute_all()
    tab.clock.run_for(5000)
    problem.get_by_role("button", name="Try again", exact=True).click()
    expect(tab.get_by_role("link", name="Look into More sums")).to_be_visible()
    expect(problem).to_be_hidden()
    complaints.forgive()  # the browser notes the 429
