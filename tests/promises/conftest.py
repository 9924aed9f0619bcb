"""A control plane with its cluster, as tests/jobs makes it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from tests.datasets.conftest import imported, put_object, store, validated
from tests.jobs.conftest import MakeJob, Meanwhile, UseNode, meanwhile, nodes, queued, scripted, use_node
from tests.promises.survival.ground import Ground

__all__ = ["imported", "meanwhile", "nodes", "put_object", "queued", "scripted", "store", "use_node", "validated"]


@pytest.fixture
def ground(
    use_node: UseNode,
    queued: MakeJob,
    meanwhile: Meanwhile,
    alice: User,
    api: Callable[[User], APIClient],
    settings: Any,
) -> Callable[[int], Ground]:
    """`ground(level)`: where a proof of the survival table takes place."""

    def at(level: int) -> Ground:
        return Ground(level, use_node(level=level), alice, api(alice), queued, meanwhile, settings)

    return at
