"""Each planted fault is caught by the tests that prove its promise, and by their own assertions."""

from collections.abc import Callable

import pytest

from tests.planted.copies import Verdict
from tests.planted.fault import Fault
from tests.planted.faults import FAULTS

Verdicts = Callable[[Fault], Verdict]


@pytest.mark.planted
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.name) for fault in FAULTS])
def test_it_is_caught(fault: Fault, verdicts: Verdicts, caught: Callable[[Fault, Verdict], None]) -> None:
    verdict = verdicts(fault)
    assert verdict.caught(fault.proofs) == ""
    caught(fault, verdict)
