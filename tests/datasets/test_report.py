"""The report of a validation: on the page, over the API, as a file."""

import csv
import html
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from datasets import lifecycle, reconcile, services
from datasets.models import Dataset, DatasetReport
from datasets.storage.base import ObjectStore
from tests import factories
from tests.datasets.conftest import PutObject
from tests.datasets.files import chat_file, chat_line

Api = Callable[[User], APIClient]
Page = Callable[[User], Client]
MakeDataset = Callable[..., Dataset]

ROLE = "Unknown role “…”."
FAULTY = (
    chat_file(60)
    + b"".join(chat_line(("user", "Hi"), (f"=cmd{number}", "x")) for number in range(150))
    + b'{"messages": [}\t\n' * 30
    + chat_line(("user", "What is 0 + 1?"), ("assistant", "It is 1."))
)


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def taken_along(client: Any, address: str) -> list[dict[str, Any]]:
    answer = client.get(address)
    assert answer.status_code == 200
    return [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]


def test_the_page_shows_lines_in_their_context_by_kind(validated: MakeDataset, alice: User, browse: Page) -> None:
    dataset = validated(alice, FAULTY)
    text = page(browse(alice), f"/datasets/{dataset.pk}")
    assert '<mark>"=cmd0"</mark>' in text
    assert "showing 105 of 180: the first 100, and some of each kind" in text
    narrowed = page(browse(alice), f"/datasets/{dataset.pk}?kind=Not valid JSON at column …: Expecting value.")
    assert "the first 5 of 30" in narrowed
    assert '{"messages": [<mark>}</mark>␉' in narrowed
    assert '<mark>"=cmd0"</mark>' not in narrowed
    assert '<mark>"=cmd0"</mark>' in page(browse(alice), f"/datasets/{dataset.pk}?kind=unheard of")


def test_programs_get_counts_by_kind_and_the_text(validated: MakeDataset, alice: User, bob: User, api: Api) -> None:
    dataset = validated(alice, FAULTY)
    found = api(alice).get(f"/api/datasets/{dataset.pk}/report").data
    assert found["error_count"] == 180
    assert {"kind": ROLE, "severity": "error", "count": 150} in found["kinds"]
    copies = {"kind": "The example is an exact copy of an earlier one.", "severity": "warning", "count": 30}
    assert copies in found["kinds"]
    first = found["findings"][0]
    assert (first["line"], first["excerpt"]["mark"]) == (61, '"=cmd0"')
    assert api(bob).get(f"/api/datasets/{dataset.pk}/report").status_code == 404


def test_the_report_can_be_taken_along_and_holds_no_formulas(
    validated: MakeDataset, alice: User, bob: User, browse: Page
) -> None:
    dataset = validated(alice, chat_file(60) + b'=cmd|"/C calc"!A0\n')
    answer: Any = browse(alice).get(f"/datasets/{dataset.pk}/findings.csv")
    assert answer["Content-Disposition"] == f'attachment; filename="dataset-{dataset.short_id}-findings.csv"'
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert (rows[0]["severity"], rows[0]["line"], rows[0]["text"]) == ("error", "61", '\'=cmd|"/C calc"!A0')
    (row,) = taken_along(browse(alice), f"/datasets/{dataset.pk}/findings.jsonl")
    assert row["text"] == '=cmd|"/C calc"!A0'
    for suffix in ("csv", "jsonl"):
        assert browse(bob).get(f"/datasets/{dataset.pk}/findings.{suffix}").status_code == 404


def test_all_findings_can_be_taken_along_also_those_that_are_not_shown(
    validated: MakeDataset, alice: User, bob: User, browse: Page, api: Api
) -> None:
    dataset = validated(alice, FAULTY)
    assert "all 210 as" in page(browse(alice), f"/datasets/{dataset.pk}")
    rows = taken_along(browse(alice), f"/datasets/{dataset.pk}/findings.jsonl")
    assert [row["line"] for row in rows if row["severity"] == "error"] == [*range(61, 241)]
    assert sum(row["severity"] == "warning" for row in rows) == 30
    last_role = next(row for row in rows if row["line"] == 210)
    assert (last_role["error"], last_role["kind"]) == ("Unknown role “=cmd149”.", ROLE)
    assert '"=cmd149"' in last_role["text"]
    assert taken_along(api(alice), f"/api/datasets/{dataset.pk}/findings.jsonl") == rows
    for ending in ("csv", "jsonl"):
        answers: list[Any] = [
            client.get(f"{start}/datasets/{dataset.pk}/findings.{ending}")
            for client, start in ((browse(alice), ""), (api(alice), "/api"))
        ]
        ours, theirs = [{name: answer[name] for name in ("Content-Type", "Content-Disposition")} for answer in answers]
        assert ours == theirs
        assert len({b"".join(answer.streaming_content) for answer in answers}) == 1
    table: Any = api(alice).get(f"/api/datasets/{dataset.pk}/findings.csv")
    read = list(csv.DictReader(io.StringIO(b"".join(table.streaming_content).decode())))
    assert [(row["line"], row["error"]) for row in read] == [(str(row["line"] or ""), row["error"]) for row in rows]
    assert api(bob).get(f"/api/datasets/{dataset.pk}/findings.jsonl").status_code == 404


def test_a_report_whose_file_is_gone_says_so(
    validated: MakeDataset, store: ObjectStore, alice: User, browse: Page, api: Api
) -> None:
    dataset = validated(alice, FAULTY)
    (path,) = [each.path for each in store.list(bucket="lora-datasets", prefix=f"{alice.pk}/").objects]
    store.put(bucket="lora-datasets", path=path, body=io.BytesIO(b"another's"))
    refused = api(alice).get(f"/api/datasets/{dataset.pk}/findings.csv")
    assert (refused.status_code, refused.data["error"]["code"]) == (409, "report_gone")
    store.delete(bucket="lora-datasets", path=path)
    answer = browse(alice).get(f"/datasets/{dataset.pk}/findings.csv", follow=True)
    assert "no longer in storage. Validate the dataset again" in answer.content.decode()


def test_what_is_not_kept_in_the_row_is_removed_with_its_validation_and_its_dataset(
    validated: MakeDataset, put_object: PutObject, store: ObjectStore, alice: User
) -> None:
    def files() -> int:
        return len(store.list(bucket="lora-datasets", prefix=f"{alice.pk}/").objects)

    dataset = validated(alice, FAULTY)
    assert files() == 1
    put_object(dataset.storage_path, chat_file())
    services.dataset_revalidate(dataset=dataset, actor="user:alice")
    reconcile.dataset_validate(dataset_id=dataset.pk)
    assert files() == 0
    other = validated(alice, FAULTY)
    services.dataset_delete(dataset=other, actor="user:alice")
    assert files() == 1
    reconcile.sweep()
    assert files() == 0
    assert not DatasetReport.objects.exclude(findings_etag="").exists()


def test_a_validation_removes_what_a_dead_storage_kept_of_the_report_of_the_last_try(
    imported: MakeDataset, store: ObjectStore, alice: User
) -> None:
    dataset = imported(alice, FAULTY)
    path = f"{alice.pk}/{dataset.pk}/report/findings.jsonl.gz"
    store.begin_parts(bucket="lora-datasets", path=path, content_type="application/gzip")
    reconcile.dataset_validate(dataset_id=dataset.pk)
    assert store.unfinished(bucket="lora-datasets", path=path) == ()
    assert store.head(bucket="lora-datasets", path=path).size > 0


def test_a_validation_older_than_reports_is_shown_without_lines(alice: User, browse: Page, api: Api) -> None:
    finding = {"line": 7, "field": "messages", "error": "Old error.", "suggestion": "Do."}
    dataset = factories.dataset(alice, status="error", validation_errors=[finding], validation_error_count=1)
    assert "Old error." in page(browse(alice), f"/datasets/{dataset.pk}")
    (found,) = api(alice).get(f"/api/datasets/{dataset.pk}/report").data["findings"]
    assert (found["error"], found["kind"], found["excerpt"]) == ("Old error.", "", None)


def test_a_new_validation_replaces_the_report(validated: MakeDataset, store: ObjectStore, alice: User) -> None:
    dataset = validated(alice, FAULTY)
    services.dataset_revalidate(dataset=dataset, actor="user:alice")
    store.delete(bucket="training-files", path=dataset.storage_path)
    reconcile.dataset_validate(dataset_id=dataset.pk)
    assert not DatasetReport.objects.exists()


def test_progress_is_in_the_row_and_survives_a_reload(imported: MakeDataset, alice: User, browse: Page) -> None:
    dataset = imported(alice)
    assert "Waits for a worker…" in page(browse(alice), f"/datasets/{dataset.pk}")
    now = timezone.now()
    lease = lifecycle.claim(dataset.pk, now=now)
    assert lease is not None
    lifecycle.renew(dataset, lease, progress=41.5, now=now, lines=1_204_000, read=1_500_000)
    text = page(browse(alice), f"/datasets/{dataset.pk}")
    assert "1,204,000 lines · 1.5 MB of " in text
    with time_machine.travel(now.timestamp() + lifecycle.LEASE_SECONDS + 1):
        lifecycle.claim(dataset.pk, now=timezone.now())
    dataset.refresh_from_db()
    assert (dataset.validated_lines, dataset.validated_bytes) == (0, 0)


@pytest.mark.parametrize("kind", ["", "x" * 500, "<script>"])
def test_any_kind_may_be_asked_for(validated: MakeDataset, alice: User, browse: Page, kind: str) -> None:
    dataset = validated(alice, FAULTY)
    assert browse(alice).get(f"/datasets/{dataset.pk}", {"kind": kind}).status_code == 200
