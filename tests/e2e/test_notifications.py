"""A webhook from the page to the wire: made, tested, called by the workers, shown in the log."""

from contextlib import closing
from typing import Any

from playwright.sync_api import expect
from standardwebhooks import Webhook

from tests.contracts.wire import Wire, reply
from tests.e2e.conftest import Open
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
        installation.await_true(lambda: bool(installation.api("alice").get(log)["deliveries"]))
        [told] = [request for request in receiver.requests if request.json()["type"] == "job_completed"]
        assert Webhook(secret).verify(told.body, dict(told.headers))["data"]["job"]["id"] == job["id"]

        tab.goto(f"/settings/webhooks/{webhook}")
        row = tab.get_by_role("row").filter(has_text="“Heard of” is completed")
        expect(row.locator(".badge")).to_have_text("Delivered")
        tab.get_by_role("button", name="Delete this webhook").click()
        tab.get_by_role("button", name="Delete", exact=True).click()
        expect(tab.get_by_text("The webhook was deleted")).to_be_visible()
