"""Adding and reading datasets in a browser: upload straight to storage, import, findings, deletion."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import requests
from playwright.sync_api import Page, Route, expect

from datasets.multipart import PART_BYTES
from tests.datasets.files import chat_file, chat_line
from tests.e2e.conftest import Complaints
from tests.e2e.installation import Installation

Open = Callable[..., Page]


def file_of(folder: Path, name: str, body: bytes) -> Path:
    path = folder / name
    path.write_bytes(body)
    return path


def test_an_upload_goes_from_the_form_to_ready_without_a_reload(open_tab: Open, tmp_path: Path) -> None:
    tab = open_tab("alice", "/datasets")
    tab.get_by_label("File").set_input_files(file_of(tmp_path, "greetings.jsonl", chat_file(200)))
    tab.get_by_role("button", name="Upload").click()
    row = tab.get_by_role("row", name="greetings")
    expect(row.locator('[data-status="ready"]')).to_be_visible()
    expect(row.get_by_role("link", name="Train")).to_be_visible()
    row.get_by_role("link", name="greetings", exact=True).click()
    expect(tab.get_by_role("heading", level=1, name="greetings")).to_be_visible()
    expect(tab.get_by_text("What is 0 + 1?")).to_be_visible()
    tab.get_by_role("link", name="Train on this").click()
    expect(tab.get_by_role("heading", level=1, name="New training job")).to_be_visible()


def test_files_that_are_dropped_anywhere_on_the_page_become_datasets(open_tab: Open) -> None:
    tab = open_tab("alice", "/datasets")
    bodies = {f"dropped-{number}.jsonl": chat_file(60 + number).decode() for number in (1, 2)}
    data = tab.evaluate_handle(
        """bodies => {
            const data = new DataTransfer();
            for (const [name, text] of Object.entries(bodies)) data.items.add(new File([text], name));
            return data;
        }""",
        bodies,
    )
    tab.locator("h1").dispatch_event("dragenter", {"dataTransfer": data})
    expect(tab.locator(".drop-lit")).to_be_visible()
    tab.locator("h1").dispatch_event("drop", {"dataTransfer": data})
    expect(tab.get_by_text("dropped-1.jsonl (6.7 kB), dropped-2.jsonl (6.8 kB)")).to_be_visible()
    expect(tab.get_by_role("textbox", name="Name")).to_be_hidden()
    tab.get_by_role("button", name="Upload").click()
    for number in (1, 2):
        row = tab.get_by_role("row", name=f"dropped-{number}")
        expect(row.locator('[data-status="ready"]')).to_be_visible()


def test_findings_say_where_and_what_to_do(open_tab: Open, tmp_path: Path) -> None:
    tab = open_tab("alice", "/datasets")
    body = chat_file(60) + chat_line(("user", "Hi"), ("asistant", "Hello")) + b'{"messages": [}\n'
    tab.get_by_label("File").set_input_files(file_of(tmp_path, "faulty.jsonl", body))
    tab.get_by_role("textbox", name="Name").fill("Not quite right")
    tab.get_by_role("button", name="Upload").click()
    row = tab.get_by_role("row", name="Not quite right")
    expect(row.locator('[data-status="error"]')).to_be_visible()
    row.get_by_role("link", name="Not quite right").click()
    expect(tab.get_by_role("cell", name="Did you mean “assistant”?")).to_be_visible()
    expect(tab.get_by_role("row", name="62").first).to_contain_text("Not valid JSON")
    expect(tab.get_by_role("group", name="Text of line 61").locator("mark")).to_have_text('"asistant"')
    tab.get_by_role("navigation", name="Kinds of findings").get_by_role("link", name="Unknown role").click()
    expect(tab.get_by_role("group", name="Text of line")).to_have_count(1)
    with tab.expect_download() as download:
        tab.get_by_role("link", name="CSV").click()
    assert re.fullmatch(r"dataset-[0-9a-f]{8}-findings\.csv", download.value.suggested_filename)

    tab.get_by_role("button", name="Make a corrected file").click()
    expect(tab.get_by_text("60 examples of 62 lines")).to_be_visible()
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes() == chat_file(60)
    tab.get_by_role("button", name="Save as a new dataset").click()
    expect(tab.get_by_role("heading", level=1, name="Not quite right (corrected)")).to_be_visible()
    expect(tab.locator('.page-head [data-status="ready"]')).to_be_visible()


def test_a_missing_file_is_said_beside_its_field(open_tab: Open) -> None:
    tab = open_tab("alice", "/datasets")
    tab.get_by_role("button", name="Upload").click()
    expect(tab.get_by_label("File")).to_be_focused()
    expect(tab.get_by_text("Choose a file.")).to_be_visible()


def test_an_upload_pauses_loses_its_network_and_goes_on_after_a_reload(
    open_tab: Open, installation: Installation, complaints: Complaints, tmp_path: Path
) -> None:
    """Three parts, of which the first is stored before everything goes wrong; none is sent twice."""
    tab = open_tab("alice", "/datasets")
    storage = f"{installation.stack.s3.endpoint_url}/**"
    sent: list[str] = []

    def only_the_first(route: Route) -> None:
        if "partNumber=1&" in route.request.url:
            sent.append(route.request.url)
            route.continue_()
        else:
            route.abort()

    def count(route: Route) -> None:
        sent.append(route.request.url)
        route.continue_()

    tab.route(storage, only_the_first)
    body = chat_line(("user", "Say x."), ("assistant", "x" * 900_000)) * 20
    shaky = file_of(tmp_path, "shaky.jsonl", body)
    tab.get_by_label("File").set_input_files(shaky)
    with tab.expect_request_finished(lambda request: "partNumber=1&" in request.url):
        tab.get_by_role("button", name="Upload").click()
    line = tab.get_by_role("list", name="Uploads").get_by_role("listitem")
    expect(line.get_by_role("alert")).to_contain_text("A part did not reach storage. Trying again")
    expect(line).to_contain_text("46%")
    line.get_by_role("button", name="Pause").click()
    expect(line.get_by_text("Paused.")).to_be_visible()
    line.get_by_role("button", name="Resume").press("Enter")
    expect(line.get_by_role("alert")).to_contain_text("A part did not reach storage. Trying again")
    line.get_by_role("button", name="Pause").press("Enter")
    expect(line.get_by_role("alert")).to_be_hidden()
    complaints.forgive()

    tab.unroute(storage)
    tab.route(storage, count)
    tab.reload()
    row = tab.get_by_role("row", name="shaky")
    expect(row.locator('[data-status="uploading"]')).to_be_visible()
    tab.get_by_label("File").set_input_files(shaky)
    tab.get_by_role("button", name="Upload").click()
    expect(row.locator('[data-status="ready"]')).to_be_visible()
    expect(row).to_have_count(1)
    expect(line).to_have_count(0)
    numbers = sorted(url.partition("partNumber=")[2].partition("&")[0] for url in sent)
    assert numbers == ["1", "2", "3"]


def test_an_upload_that_is_paused_while_a_part_fails_says_nothing_more(open_tab: Open, complaints: Complaints) -> None:
    tab = open_tab("alice", "/datasets")
    tab.route("**/parts", lambda route: route.abort())
    said = tab.evaluate(
        """async () => {
            const loaded = performance.getEntriesByType("resource");
            const { sendParts } = await import(loaded.find(({ name }) => name.includes("datasets/parts.")).name);
            const [pause, said] = [new AbortController(), []];
            const slice = () => (pause.abort(), new Blob(["x"])); // it is read again when it did not arrive
            const file = { slice: () => Object.assign(new Blob(["x"]), { slice }) };
            const plan = { id: "none", part_size: 1, part_count: 1, parts: [] };
            const listeners = { onProgress() {}, onStored() {}, onTrouble: (trouble) => said.push(trouble.message) };
            await sendParts(file, plan, { signal: pause.signal, ...listeners }).catch(() => {});
            return said;
        }"""
    )
    assert said == []
    complaints.forgive()  # the request that got lost


def test_a_dataset_without_its_file_takes_it_on_its_page(
    open_tab: Open, installation: Installation, tmp_path: Path
) -> None:
    body = chat_file(70)
    announced = {"name": "Late", "file_name": "late.jsonl", "file_size": len(body)}
    dataset = installation.api("alice").post("datasets", announced)["dataset"]
    tab = open_tab("alice", f"/datasets/{dataset['id']}")
    tab.get_by_label("File").set_input_files(file_of(tmp_path, "other.jsonl", body + b"\n"))
    tab.get_by_role("button", name="Upload").click()
    expect(tab.get_by_text("another size than announced")).to_be_visible()
    tab.get_by_label("File").set_input_files(file_of(tmp_path, "late.jsonl", body))
    tab.get_by_role("button", name="Upload").click()
    expect(tab.locator('.page-head [data-status="ready"]')).to_be_visible()


def test_files_of_the_data_pipeline_are_found_and_imported_by_keyboard(
    open_tab: Open, installation: Installation
) -> None:
    for name in ("tools-1", "chats", "tools-2"):
        installation.store("bob", f"shared/week 7/{name}.jsonl", chat_file(80))
    tab = open_tab("bob", "/datasets")
    tab.get_by_role("link", name="Import", exact=True).press("Enter")
    tab.get_by_role("link", name="shared").press("Enter")
    tab.get_by_role("link", name="week 7").press("Enter")
    expect(tab.get_by_role("navigation", name="Folders").get_by_role("link")).to_have_text(
        ["training-files", "bob", "shared", "week 7"]
    )
    tab.get_by_label("Find in this folder").last.fill("TOOL")
    tab.keyboard.press("Enter")
    expect(tab.get_by_label("chats.jsonl")).to_have_count(0)
    tab.get_by_label("tools-1.jsonl").press("Space")
    tab.get_by_label("tools-2.jsonl").press("Space")
    tab.get_by_role("button", name="Import the chosen files").press("Enter")
    expect(tab.get_by_text("2 files were imported")).to_be_visible()
    for name in ("tools-1", "tools-2"):
        expect(tab.get_by_role("row", name=name).locator('[data-status="ready"]')).to_be_visible()


def test_deleting_asks_first(open_tab: Open, installation: Installation) -> None:
    dataset = installation.dataset("bob", "Short-lived")
    tab = open_tab("bob", f"/datasets/{dataset['id']}")
    tab.get_by_role("button", name="Delete").click()
    dialog = tab.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete “Short-lived”?")
    keep = dialog.get_by_role("button", name="Keep it")
    expect(keep).to_be_focused()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")  # past the last one, and out of the page
    tab.keyboard.press("Tab")
    expect(keep).to_be_focused()
    tab.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(tab.get_by_role("button", name="Delete")).to_be_focused()
    tab.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(tab.get_by_text("“Short-lived” was deleted")).to_be_visible()
    expect(tab.get_by_role("row", name="Short-lived")).to_have_count(0)


def test_examples_are_looked_through_by_keyboard_and_the_address_says_which(
    open_tab: Open, dataset: dict[str, str]
) -> None:
    tab = open_tab("alice", f"/datasets/{dataset['id']}")
    loads: list[str] = []
    tab.on("load", lambda page: loads.append(page.url))
    examples = tab.get_by_role("region", name="Examples", exact=True)
    tab.keyboard.press("n")
    expect(examples.get_by_text("Example 2 of 1,000")).to_be_visible()
    expect(tab.get_by_role("status").filter(has_text="Example 2 of 1,000")).to_be_attached()
    examples.get_by_role("link", name="Next").press("Enter")
    expect(examples.get_by_text("What is 2 + 1?")).to_be_visible()
    expect(examples.get_by_role("link", name="Next")).to_be_focused()
    examples.get_by_role("link", name="Last").press("Enter")
    expect(examples.get_by_text("What is 999 + 1?")).to_be_visible()
    expect(examples.get_by_role("link", name="First")).to_be_focused()
    examples.get_by_label("Line").fill("500")
    tab.keyboard.press("Enter")
    expect(examples.get_by_text("What is 499 + 1?")).to_be_visible()
    assert tab.url.endswith("?line=500#sample")
    tab.go_back()
    expect(examples.get_by_text("What is 999 + 1?")).to_be_visible()
    examples.get_by_role("link", name="At random").press("Enter")
    expect(examples.get_by_text("1 of 100 at random")).to_be_visible()
    assert loads == []
    seen = examples.get_by_role("list", name="Example").inner_text()
    tab.reload()
    expect(examples.get_by_role("list", name="Example")).to_have_text(seen, use_inner_text=True)


def test_stored_parts_of_another_state_of_the_file_are_sent_again(
    open_tab: Open, installation: Installation, complaints: Complaints, tmp_path: Path
) -> None:
    """Changed in the middle: name, size and beginning are the same."""
    api = installation.api("alice")
    line = chat_line(("user", "Say x."), ("assistant", "x" * 900_000))
    earlier, body = line * 20, line + line.replace(b"xxx", b"yyy") + line * 18
    announced = {"name": "Reworked", "file_name": "reworked.jsonl", "file_size": len(body)}
    dataset = api.post("datasets", announced)["dataset"]
    address = f"datasets/{dataset['id']}"
    for ticket in api.post(f"{address}/parts", {"part_numbers": [1, 2]})["parts"]:
        start = (ticket["number"] - 1) * PART_BYTES
        requests.put(ticket["url"], data=earlier[start : start + PART_BYTES], timeout=30)

    tab = open_tab("alice", f"/datasets/{dataset['id']}")
    expect(tab.get_by_text("16.8 MB of it are stored already (2 of 3 parts)")).to_be_visible()
    sent: list[str] = []

    def hold_the_last(route: Route) -> None:
        number = route.request.url.partition("partNumber=")[2].partition("&")[0]
        if number == "3" and "3" not in sent:
            route.abort()
        else:
            route.continue_()
        sent.append(number)

    tab.route(f"{installation.stack.s3.endpoint_url}/**", hold_the_last)
    tab.get_by_label("File").set_input_files(file_of(tmp_path, "reworked.jsonl", body))
    tab.get_by_role("button", name="Upload").click()
    expect(tab.get_by_text("1 stored part did not match the file as it is now and is sent again.")).to_be_visible()
    expect(tab.locator('.page-head [data-status="ready"]')).to_be_visible()
    assert sorted(sent) == ["1", "3", "3"]
    assert api.get(address)["dataset"]["sha256"] == hashlib.sha256(body).hexdigest()
    complaints.forgive()


def test_an_upload_that_is_cancelled_while_it_is_announced_leaves_no_dataset(open_tab: Open, tmp_path: Path) -> None:
    tab = open_tab("alice", "/datasets")
    tab.get_by_label("File").set_input_files(file_of(tmp_path, "given-up.jsonl", chat_file(10)))
    announcement = re.compile("/api/datasets$")
    asked: list[Route] = []
    tab.route(announcement, lambda route: asked.append(route))
    with tab.expect_request(announcement):
        tab.get_by_role("button", name="Upload").click()
    tab.get_by_role("list", name="Uploads").get_by_role("button", name="Cancel").click()
    with tab.expect_response(lambda response: response.request.method == "DELETE") as gone:
        asked[0].continue_()
    assert gone.value.ok


def test_what_cannot_be_examples_is_refused_before_it_is_sent(
    open_tab: Open, installation: Installation, complaints: Complaints, tmp_path: Path
) -> None:
    tab = open_tab("alice", "/datasets")
    picture = file_of(tmp_path, "cat.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    tab.get_by_label("File").set_input_files([picture, file_of(tmp_path, "none.jsonl", b"")])
    tab.get_by_role("button", name="Upload").click()
    error = tab.get_by_role("alert").filter(has_text="cat.png is not a text file.")
    expect(error).to_contain_text("none.jsonl is empty.")

    changing = file_of(tmp_path, "changing.jsonl", chat_file(300))
    tab.route(f"{installation.stack.s3.endpoint_url}/**", lambda route: route.abort())
    tab.get_by_label("File").set_input_files(changing)
    tab.get_by_role("button", name="Upload").click()
    line = tab.get_by_role("list", name="Uploads").get_by_role("listitem")
    expect(line.get_by_role("alert")).to_contain_text("A part did not reach storage. Trying again")
    changing.write_bytes(chat_file(301))
    expect(line.get_by_role("alert")).to_contain_text("changed, moved or deleted since it was chosen")
    complaints.forgive()

    tab.unroute(f"{installation.stack.s3.endpoint_url}/**")
    odd = file_of(tmp_path, f"عربي\u200f{'😀' * 40}\\x.jsonl", chat_file(302))
    tab.get_by_label("File").set_input_files(odd)
    tab.get_by_role("button", name="Upload").click()
    expect(tab.get_by_role("row", name="عربي").locator('[data-status="ready"]')).to_be_visible()
