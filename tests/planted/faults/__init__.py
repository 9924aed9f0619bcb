"""What is taken out, promise by promise."""

from tests.planted.faults import cancels, costs, events, leases, orphans, points, secrets, submits, sweeps, walls

FAULTS = (
    *submits.FAULTS,
    *leases.FAULTS,
    *cancels.FAULTS,
    *points.FAULTS,
    *costs.FAULTS,
    *events.FAULTS,
    *sweeps.FAULTS,
    *orphans.FAULTS,
    *walls.FAULTS,
    *secrets.FAULTS,
)
