"""Jobs to copy, as tests/jobs makes them."""

from tests.datasets.conftest import imported, put_object, store, validated
from tests.jobs.conftest import queued

__all__ = ["imported", "put_object", "queued", "store", "validated"]
