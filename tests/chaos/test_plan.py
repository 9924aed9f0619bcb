"""A plan is told by its seed, leaves nothing out, and speaks of troubles that there are."""

from itertools import pairwise

import pytest

from tests.chaos.plan import OWNERS, Plan, long, short
from tests.chaos.troubles import DOORS, WEATHERS

PARTS = {"worker", "worker-data", "beat", "beat-2", "web", "gpu-node", "broker", "storage"}
KINDS = {"kill", "pause", "flush", "door", "repeat", *WEATHERS}


def plan(form: str, database: str = "sqlite", seed: int = 3) -> Plan:
    if form == "short":
        return short(seed=seed, jobs=12, database=database)
    return long(seed=seed, jobs=50, seconds=600, database=database)


@pytest.mark.parametrize("form", ["short", "long"])
def test_the_same_seed_gives_the_same_plan(form: str) -> None:
    assert plan(form) == plan(form)
    assert plan(form) != plan(form, seed=4)


@pytest.mark.parametrize("form", ["short", "long"])
def test_every_part_is_killed_and_every_owner_and_fate_has_a_job(form: str) -> None:
    made = plan(form)
    assert {trouble.of for trouble in made.troubles if trouble.kind == "kill"} == PARTS
    assert {story.owner for story in made.stories} == set(OWNERS)
    assert {story.fate for story in made.stories} == {"runs", "cancelled", "kept", "fails", "retried"}


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("form", ["short", "long"])
def test_all_troubles_are_known_and_over_when_it_is_calm(form: str, database: str) -> None:
    made = plan(form, database)
    assert {trouble.kind for trouble in made.troubles} <= KINDS
    assert {trouble.of for trouble in made.troubles if trouble.kind == "door"} <= DOORS.keys()
    assert max(trouble.until for trouble in made.troubles) <= made.calm_after


def test_a_wire_to_the_database_is_cut_where_there_is_one() -> None:
    cut = [trouble for trouble in plan("long", "postgresql").troubles if trouble.of == "database"]
    assert {trouble.kind for trouble in cut} >= {"kill", "pause", *WEATHERS}
    assert {trouble.kind for trouble in plan("long").troubles if trouble.of == "database"} == {"pause"}


def test_the_long_form_hurts_one_thing_after_the_other_before_it_hurts_several() -> None:
    made = plan("long")
    single = [trouble for trouble in made.troubles if trouble.kind != "repeat"]
    first = len({(trouble.kind, trouble.of) for trouble in single})
    assert all(a.until <= b.at for a, b in pairwise(single[:first]))
    assert any(a.until > b.at for a, b in pairwise(single[first:]))
