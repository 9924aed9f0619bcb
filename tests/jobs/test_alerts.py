"""What operators have to know is written once, and bounded."""

import pytest

from jobs import alerts
from jobs.models import Alert


@pytest.mark.django_db
def test_an_alert_keeps_what_fits_of_a_long_subject() -> None:
    alerts.record("orphan_found", "x" * 300, "y" * 600)
    alert = Alert.objects.get()
    assert (len(alert.subject), len(alert.message)) == (200, 500)
