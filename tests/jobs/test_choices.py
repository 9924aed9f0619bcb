"""What the form offers to train on, and what it says of a dataset."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from datasets.models import DatasetStatus
from datasets.validation.lengths import Lengths
from jobs import choices
from tests import factories


def lengths_of(*tokens: int) -> dict[str, Any]:
    kept = Lengths()
    for each in tokens:
        kept.add(each, each // 2)
    return kept.as_json()


def page(user: User, path: str) -> Any:
    client = Client()
    client.force_login(user)
    return client.get(path)


def test_ready_datasets_of_ones_own_are_offered_and_the_wanted_one_is_chosen(alice: User, bob: User) -> None:
    wanted = factories.dataset(alice, name="Wanted")
    newest = factories.dataset(alice, name="Newest")
    factories.dataset(alice, training_ready=False, status=DatasetStatus.ERROR)
    factories.dataset(bob)
    offered = choices.offered(alice, wanted=str(wanted.pk))
    assert {dataset.pk for dataset in offered.ready} == {wanted.pk, newest.pk}
    assert offered.chosen is not None
    assert offered.chosen.dataset == wanted
    first = choices.offered(alice, wanted="")
    assert first.chosen is not None
    assert first.chosen.dataset == newest


@pytest.mark.parametrize("wanted", ["nonsense", str(uuid.uuid4())])
def test_a_dataset_that_is_not_there_is_not_replaced_by_another_one(alice: User, wanted: str) -> None:
    factories.dataset(alice)
    assert choices.offered(alice, wanted=wanted).chosen is None
    html = page(alice, f"/training/configure?dataset={wanted}").content.decode()
    assert '<option value="" selected>Choose a dataset</option>' in html


def test_a_long_list_ends_and_still_holds_the_chosen_one(alice: User) -> None:
    old = factories.dataset(alice, name="Old")
    for number in range(3):
        factories.dataset(alice, name=f"New {number}")
    offered = choices.offered(alice, wanted=str(old.pk), most=2)
    assert [dataset.name for dataset in offered.ready] == ["New 2", "New 1", "Old"]
    assert offered.has_more


def test_datasets_on_their_way_are_named(alice: User) -> None:
    for number in range(5):
        factories.dataset(alice, name=f"Coming {number}", training_ready=False, status=DatasetStatus.VALIDATING)
    offered = choices.offered(alice, wanted="")
    assert (len(offered.coming), offered.coming_count, offered.ready) == (3, 5, [])
    html = page(alice, "/training/configure").content.decode()
    assert "No dataset is ready yet" in html
    assert "Coming 4" in html
    assert "and more are not checked yet" in html


def test_lengths_are_told_as_half_most_and_longest(alice: User) -> None:
    dataset = factories.dataset(alice, token_lengths=lengths_of(*[100] * 50, *[400] * 45, *[3000] * 5))
    facts = choices.facts(dataset)
    assert (facts.middle, facts.most, facts.longest) == (100, 400, 3000)
    html = page(alice, f"/training/configure/datasets/{dataset.pk}").content.decode()
    assert "95% up to 400, longest 3,000" in html


def test_unknown_lengths_are_absent_and_say_what_to_do(alice: User) -> None:
    dataset = factories.dataset(alice, token_lengths={})
    assert choices.facts(dataset).longest is None
    assert "validate it again to see them" in page(alice, f"/training/configure/datasets/{dataset.pk}").content.decode()


def test_the_age_of_a_dataset_is_told_from_its_first_second_on(alice: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        dataset = factories.dataset(alice)
        clock.shift(timedelta(seconds=5))
        html = page(alice, f"/training/configure/datasets/{dataset.pk}").content.decode()
    assert "added 5 s ago" in html


def test_the_form_does_not_read_the_texts_of_all_datasets(alice: User, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        factories.dataset(alice, name=f"Set {number}")
    with django_assert_max_num_queries(5) as queries:
        choices.offered(alice, wanted="")
    assert not [query for query in queries if '"sample"' in query["sql"]]


@pytest.mark.parametrize(("shown", "ready"), [(True, True), (False, True), (True, False)])
def test_facts_are_there_for_ones_own_ready_datasets_alone(alice: User, bob: User, shown: bool, ready: bool) -> None:
    dataset = factories.dataset(alice, training_ready=ready)
    status = page(alice if shown else bob, f"/training/configure/datasets/{dataset.pk}").status_code
    assert status == (200 if shown and ready else 404)
