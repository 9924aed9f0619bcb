"""System commands: what workers do with a job. Each is claim a lease, call the cluster outside any transaction,
apply under the lease. All are safe to repeat and to run twice at once."""

from jobs.reconcile.cancellation import release
from jobs.reconcile.checkpoints import fetch
from jobs.reconcile.collection import collect
from jobs.reconcile.due import Due, select, with_new_checkpoints
from jobs.reconcile.gate import refresh_all
from jobs.reconcile.logs import archive, pull
from jobs.reconcile.orphans import sweep as sweep_orphans
from jobs.reconcile.polling import poll
from jobs.reconcile.submission import submit

__all__ = [
    "Due",
    "archive",
    "collect",
    "fetch",
    "poll",
    "pull",
    "refresh_all",
    "release",
    "select",
    "submit",
    "sweep_orphans",
    "with_new_checkpoints",
]
