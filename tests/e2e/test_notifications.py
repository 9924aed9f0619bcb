"""The bell and the inbox as they follow what happens; a webhook from the page to the wire."""

import re
from contextlib import closing
from typing import Any

from playwright.sync_api import Route, expect
from standardwebhooks import Webhook

from tests.contracts.wire import Request, Wire, reply
from tests.e2e.conftest import A_TURN_LATER, LOOKED_AT, OURS, Complaints, Open, hear
from tests.e2e.installation import Installation


def test_a_webhook_hears_of_a_job_that_completes(
    open_tab: Open, installation: Installation, dataset: dict[str, Any]
) -> None:
    with closing(Wire(reply(200, {"received": True}))) as receiver:
        tab = open_tab("alice", "/settings/notifications")
        tab.get_by_label("URL").fill(f"{receiver.url}/hook")
        tab.get_by_label("Description").fill("Ends of jobs")
        tab.get_by_role("button", name="Make a webhook").click()
        secret = tab.locator("#secret").inner_text()
        tab.get_by_role("button", name="Send a test").click()
        expect(tab.get_by_text("The test arrived.")).to_be_visible()

        job = installation.await_end("alice", installation.job("alice", dataset, name="Heard of"))
        webhook = tab.url.split("/")[-2]

        log = f"webhooks/{webhook}/deliveries?state=done&type=job_completed"

        told: list[Request] = []

        def heard() -> bool:
            """Other jobs may complete meanwhile."""
            completed = [request for request in receiver.requests if request.json()["type"] == "job_completed"]
            if len(installation.api("alice").get(log)["deliveries"]) < len(completed):
                return False  # the latest is not noted down yet
            told[:] = [request for request in completed if request.json()["data"]["job"]["id"] == job["id"]]
            return bool(told)

        installation.await_true(heard)
        [message] = told
        assert Webhook(secret).verify(message.body, dict(message.headers))

        tab.goto(f"/settings/webhooks/{webhook}")
        row = tab.get_by_role("row").filter(has_text="“Heard of” is completed")
        expect(row.locator(".badge")).to_have_text("Delivered")
        tries = row.locator("summary")
        before = int(tries.inner_text().split()[0])
        row.get_by_role("button", name="Send again").click()
        expect(tab.get_by_text("It is sent again.")).to_be_visible()
        expect(tries).to_have_text(re.compile(rf"^{before + 1}"))  # by itself
        expect(row.locator(".badge")).to_have_text("Delivered")
        tab.get_by_role("button", name="Delete this webhook").click()
        tab.get_by_role("button", name="Delete", exact=True).click()
        expect(tab.get_by_text("The webhook was deleted")).to_be_visible()


def test_the_bell_follows_and_the_inbox_settles_what_was_read(open_tab: Open, installation: Installation) -> None:
    """Bob's, since to alice something may happen at any time in between."""
    api = installation.api("bob")
    dataset = installation.await_ready("bob", installation.dataset("bob", "Bells"))
    installation.await_true(lambda: "Bells" in str(api.get("notifications?type=dataset_ready")["notifications"]))
    api.post("notifications/read-all", {})
    tab = open_tab("bob", "/datasets")
    inbox = open_tab("bob", "/notifications?type=job_completed")
    expect(tab).to_have_title(re.compile(r"^Datasets"))
    tab.wait_for_load_state("networkidle")  # it has asked for the first time: from now on all is news

    job = installation.await_end("bob", installation.job("bob", dataset, name="Rung for"))
    installation.await_true(lambda: bool(api.get("notifications?type=artifact_ready&unread=true")["notifications"]))
    for each in (tab, inbox):  # as if one came back to it: it asks at once
        each.evaluate(LOOKED_AT)
    unread = api.get("notifications/unread")["unread"]
    expect(tab.locator(".bell-count")).to_have_text(f"{unread} unread")
    expect(tab).to_have_title(re.compile(rf"^\({unread}\) Datasets"))
    hear(tab, "Rung for")

    expect(inbox.locator(".notice-unread")).to_contain_text("“Rung for” is completed")
    inbox.get_by_role("link", name="“Rung for” is completed").click()
    inbox.wait_for_url(f"**/training/jobs/{job['id']}")
    inbox.go_back()
    expect(inbox.locator(".notice").first).to_contain_text("“Rung for” is completed")
    expect(inbox.locator(".notice-unread")).to_have_count(0)

    tab.get_by_role("link", name="Notifications").click()
    tab.get_by_role("link", name="All notifications").click()
    tab.wait_for_url("**/notifications")  # with its scripts: without them a choice alone does nothing
    tab.get_by_label("Type").select_option("Adapter ready")
    tab.wait_for_url("**/notifications?type=artifact_ready")
    tab.get_by_role("link", name="Unread", exact=True).click()
    tab.get_by_role("button", name=re.compile("^Mark as read.*The adapter of “Rung for” is ready")).click()
    expect(tab.get_by_text("None of this type")).to_be_visible()
    assert "type=artifact_ready" in tab.url
    tab.get_by_role("button", name="Mark all as read").click()
    expect(tab.get_by_text("Nothing unread")).to_be_visible()
    expect(tab.locator(".bell-count")).to_have_count(0)
    expect(tab).to_have_title(re.compile(r"^Notifications"))


def test_the_bell_opens_the_newest_in_place_and_marks_them_for_all_tabs(
    open_tab: Open, installation: Installation, complaints: Complaints
) -> None:
    tab, inbox = open_tab("bob", "/costs"), open_tab("bob", "/notifications")
    bell, news = tab.get_by_role("link", name="Notifications"), tab.get_by_role("dialog", name="Newest notifications")
    bell.press("Enter")
    expect(news).to_contain_text(re.compile("Nothing yet|All notifications"))
    tab.keyboard.press("Escape")
    expect(news).to_be_hidden()
    expect(bell).to_be_focused()

    installation.await_ready("bob", installation.dataset("bob", "Bob's sums"))
    api = installation.api("bob")
    installation.await_true(lambda: bool(api.get("notifications/unread")["unread"]))
    bell.click()
    for each in (tab, inbox):  # as if one came back to it: it asks at once
        each.evaluate(LOOKED_AT)
    expect(news.get_by_role("link", name="Dataset “Bob's sums” is ready")).to_contain_text("Unread")
    expect(inbox.locator(".notice-unread", has_text="Bob's sums")).to_have_count(1)

    tab.route("**/read-all", lambda route: route.abort())
    news.get_by_role("button", name="Mark all as read").click()
    expect(tab.get_by_text("Not marked as read: The server does not answer.")).to_be_visible()
    tab.unroute_all()
    news.get_by_role("button", name="Mark all as read").click()
    expect(news.get_by_text("Unread")).to_have_count(0)
    expect(tab.locator(".bell-count")).to_have_count(0)
    inbox.evaluate(LOOKED_AT)
    expect(inbox.locator(".notice-unread")).to_have_count(0)

    news.get_by_role("link", name="Settings").focus()
    tab.keyboard.press("Tab")  # on to the account menu
    expect(news).to_be_hidden()
    bell.click()
    news.get_by_role("link", name="Dataset “Bob's sums” is ready").click()
    tab.wait_for_url("**/datasets/*")
    complaints.forgive()  # the request that was cut off


def test_an_older_answer_brings_nothing_back_into_the_bell(open_tab: Open) -> None:
    tab = open_tab("bob", "/datasets")
    newest = re.compile("/notifications$")
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.fulfill(body="<p>Later</p>", content_type="text/html", headers=OURS)
        else:
            held.append(route)

    tab.route(newest, hold_the_first)
    bell = tab.get_by_role("link", name="Notifications")
    with tab.expect_request(newest):
        bell.click()
    tab.keyboard.press("Escape")
    bell.click()
    news = tab.locator("#bell-news")
    expect(news).to_have_text("Later")
    held[0].fulfill(body="<p>Earlier</p>", content_type="text/html", headers=OURS)
    tab.evaluate(A_TURN_LATER)
    expect(news).to_have_text("Later")
