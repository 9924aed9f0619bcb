"""The product's Celery app with one more task, for tests that need a message in a worker's hands."""

import time
from pathlib import Path

from lora_pipeline.celery import app


@app.task(name="tests.nap", queue="control")
def nap(seconds: float, note: str = "") -> None:
    """Take so long, and note that it was done."""
    time.sleep(seconds)
    if note:
        Path(note).touch()
