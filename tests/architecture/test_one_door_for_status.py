"""Only jobs/lifecycle.py writes a job's status: everything else asks it for a transition."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.sources import Source, dotted, product, snippet

DOOR = "jobs.lifecycle"
# Rows of other tables that have a status of their own.
OTHERS = {"artifact", "ModelArtifact", "Dataset", "dataset", "delivery", "Delivery"}
WRITERS = {"update", "create", "get_or_create", "update_or_create", "bulk_create", "TrainingJob"}


def writes(source: Source) -> Iterator[str]:
    """Where `source` writes the status of what may be a job."""
    for node in ast.walk(source.tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Attribute) and target.attr == "status" and not OTHERS & set(dotted(target)):
                yield source.at(node)
        if isinstance(node, ast.Call) and _writes_by_keyword(node):
            yield source.at(node)


def _writes_by_keyword(call: ast.Call) -> bool:
    names = dotted(call.func)
    if not names or names[-1] not in WRITERS or OTHERS & set(names):
        return False
    return any(keyword.arg == "status" for keyword in call.keywords)


def test_only_the_lifecycle_writes_the_status_of_a_job() -> None:
    found = [place for source in product() if source.name.startswith("jobs.") and source.name != DOOR
             for place in writes(source)]  # fmt: skip
    assert not found, f"Use jobs.lifecycle.transition instead: {found}"


@pytest.mark.parametrize(
    "code",
    [
        "job.status = 'failed'",
        "self.job.status = Status.FAILED",
        "TrainingJob.objects.filter(pk=1).update(status='failed', progress=1)",
        "TrainingJob.objects.create(status='running')",
        "TrainingJob(owner=alice, status='running')",
    ],
)
def test_a_planted_write_is_caught(code: str) -> None:
    assert list(writes(snippet(code)))


@pytest.mark.parametrize(
    "code", ["artifact.status = 'ready'", "TrainingJob.objects.filter(status='failed')", "x = job.status"]
)
def test_what_is_no_write_of_a_job_is_left_alone(code: str) -> None:
    assert not list(writes(snippet(code)))
