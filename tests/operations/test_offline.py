"""The page for times without a connection, and the worker that shows it. None of these tests has a database."""

import re
from html.parser import HTMLParser
from typing import Any

from django.test import Client


class Needs(HTMLParser):
    """The addresses of what a page shows or runs."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "a":
            self.addresses |= {str(value).partition("#")[0] for name, value in attrs if name in ("href", "src")}


def worker(client: Client) -> str:
    return client.get("/service-worker.js").content.decode()


def version(client: Client) -> str:
    found = re.search(r'"offline-([0-9a-f]+)"', worker(client))
    assert found
    return found[1]


def test_the_worker_is_a_script_that_browsers_ask_for_anew(client: Client) -> None:
    answer = client.get("/service-worker.js")
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (200, "text/javascript", "no-cache")
    again = client.get("/service-worker.js", headers={"if-none-match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_page_is_the_same_for_all_and_sets_no_cookie(client: Client) -> None:
    plain = client.get("/offline")
    client.cookies["sessionid"] = "x" * 32
    client.cookies["theme"] = "dark"
    known = client.get("/offline")
    assert plain.status_code == 200
    assert known.content == plain.content
    assert not known.cookies


def test_all_that_the_page_needs_is_kept(client: Client) -> None:
    needed = Needs(client.get("/offline").content.decode()).addresses
    assert {"/static/base.css?offline", "/static/offline.js?offline", "/static/icons.svg?offline"} <= needed
    for address in needed:
        file, mark = address.split("?")
        assert mark == "offline"
        assert f'"{file}"' in worker(client)


def test_a_file_s_new_name_is_a_new_version(client: Client, settings: Any) -> None:
    before = version(client)
    assert version(client) == before
    settings.STATIC_URL = "/next-release/"
    assert version(client) != before
