"""Without a network, or without the server, a link leads to a page of ours, and from there to where it was to lead."""

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Complaints, Open, stand_still
from tests.e2e.installation import Installation

LEAVE_AN_OLDER_RELEASE = """async () => {
  await caches.open("offline-older");
  await (await navigator.serviceWorker.ready).unregister();
}"""
READY = """async () => {
  const { active } = await navigator.serviceWorker.ready;
  if (active.state !== "activated") await new Promise((done) => active.addEventListener("statechange", done));
}"""
KEPT = """async () => {
  const names = await caches.keys();
  const kept = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
  return kept.map((requests) => requests.map(({ url }) => url.replace(location.origin, "")));
}"""


def heading(tab: Page, words: str) -> None:
    expect(tab.get_by_role("heading", level=1)).to_have_text(words)


def test_a_link_without_a_connection_leads_to_our_own_page_and_on_when_it_is_back(
    open_tab: Open, installation: Installation, complaints: Complaints
) -> None:
    tab = open_tab("alice", "/training/jobs", has_clock=True, service_workers="allow")
    tab.evaluate(LEAVE_AN_OLDER_RELEASE)
    tab.reload()
    tab.evaluate(READY)
    tab.goto("/")  # which leads on
    heading(tab, "Training jobs")

    web = installation.stop("web")
    tab.get_by_role("link", name="Costs", exact=True).click()
    heading(tab, "The server does not answer")
    tab.goto("/costs?range=12-months#by-month")
    heading(tab, "The server does not answer")
    stand_still(tab)  # it would go on by itself within seconds
    installation.start(web)
    tab.get_by_role("link", name="Try again").click()
    heading(tab, "Costs")
    assert tab.url.endswith("/costs?range=12-months#by-month")
    tab.clock.resume()  # what hears that it is online may be too early: it asks again
    tab.wait_for_load_state()

    tab.context.set_offline(True)
    tab.get_by_role("link", name="Datasets", exact=True).click()
    heading(tab, "You are offline")
    expect(tab.locator("header .brand")).to_have_css("display", "flex")  # in our look
    tab.context.set_offline(False)
    heading(tab, "Datasets")

    tab.goto("/no/such/page")
    heading(tab, "Page not found")
    [kept] = tab.evaluate(KEPT)
    assert kept[0] == "/offline"
    assert {address.partition("?")[2] for address in kept[1:]} == {"offline"}
    assert all("/static/" in address for address in kept[1:])
    assert [text for text in complaints.texts if "net::ERR_" not in text and "404" not in text] == []
    complaints.forgive()  # requests that got lost, and the page that is not there
