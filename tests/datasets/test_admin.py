"""What operators see and do."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from datasets.models import Dataset, ImportGrant

Page = Callable[[User], Client]
MakeDataset = Callable[..., Dataset]


def test_rows_are_shown_and_cannot_be_edited(validated: MakeDataset, alice: User, operator: User, browse: Page) -> None:
    dataset = validated(alice)
    browser = browse(operator)
    for address in (
        "/admin/datasets/dataset/",
        f"/admin/datasets/dataset/{dataset.pk}/change/",
        "/admin/datasets/datasetevent/",
        f"/admin/datasets/datasetevent/{dataset.events.get(kind='ready').pk}/change/",
    ):
        answer = browser.get(address)
        assert answer.status_code == 200
        assert dataset.name in answer.content.decode()
    assert browser.post(f"/admin/datasets/dataset/{dataset.pk}/change/", {"name": "x"}).status_code == 403
    assert browser.get("/admin/datasets/dataset/add/").status_code == 403


def test_operators_validate_again(
    validated: MakeDataset, imported: MakeDataset, alice: User, operator: User, browse: Page
) -> None:
    done = validated(alice)
    running = imported(alice, file_name="running.jsonl")
    chosen = {"action": "validate_again", "_selected_action": [done.pk, running.pk]}
    answer = browse(operator).post("/admin/datasets/dataset/", chosen, follow=True)
    assert "1 to be validated again" in answer.content.decode()
    assert "it can be validated again when it is ready" in answer.content.decode()
    done.refresh_from_db()
    assert done.status == "validating"
    assert done.events.get(kind="validating").actor == "user:operator"


@pytest.mark.parametrize("prefix", ["team-a", "../", "/", "a//", "%2e%2e/"])
def test_a_grant_must_name_a_folder(alice: User, operator: User, browse: Page, prefix: str) -> None:
    answer = browse(operator).post("/admin/datasets/importgrant/add/", {"user": alice.pk, "prefix": prefix})
    assert answer.status_code == 200
    assert not ImportGrant.objects.exists()
    assert browse(operator).post("/admin/datasets/importgrant/add/", {"user": alice.pk, "prefix": "team-a/"})
    assert ImportGrant.objects.get().prefix == "team-a/"
