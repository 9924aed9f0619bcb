"""What is promised about money, jobs and truth, proved with the whole control plane."""

import pytest

# The proofs of the survival table are modules of their own, whose asserts are to speak as those of tests do.
pytest.register_assert_rewrite(
    *(f"tests.promises.survival.{name}" for name in ("answers", "cancels", "refusals", "reports", "submits"))
)
