"""What the control plane knows about its clusters and about itself."""

import uuid

from django.db import models

from jobs.clusters.base import Capabilities


class Cluster(models.Model):
    """What was last learned of a cluster of settings.GPU_CLUSTERS, and its circuit breaker."""

    name = models.CharField(max_length=64, unique=True)
    address = models.CharField(max_length=500, blank=True, help_text="where this was learned")
    level = models.PositiveSmallIntegerField(null=True, blank=True, help_text="empty: not known yet")
    features = models.JSONField(default=list)
    gpu_types = models.JSONField(default=list, help_text="[{type, count}], as the cluster reports them")
    simulated = models.BooleanField(default=False)
    checked_at = models.DateTimeField(null=True, blank=True)
    consecutive_failures = models.PositiveIntegerField(default=0)
    open_until = models.DateTimeField(null=True, blank=True, help_text="no calls before (circuit breaker)")
    failed_about = models.JSONField(default=list, help_text="the jobs among those failures, each once")
    key_refused = models.BooleanField(default=False, help_text="what opened the breaker: our key, not silence")
    last_error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "clusters"

    def __str__(self) -> str:
        return self.name

    @property
    def capabilities(self) -> Capabilities:
        """What it could do when it was asked last."""
        return Capabilities(
            level=self.level or 1,
            features=frozenset(self.features),
            gpu_types=tuple((entry["type"], entry["count"]) for entry in self.gpu_types),
            simulated=self.simulated,
        )


class Installation(models.Model):
    """One row: a random id that labels our jobs at clusters, so that neighbours' jobs are never touched."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    singleton = models.BooleanField(default=True, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "installation"


class CycleRun(models.Model):
    """One row: the last processing cycle, so that anybody can see whether Beat and the workers are alive."""

    singleton = models.BooleanField(default=True, unique=True, editable=False)
    started_at = models.DateTimeField()
    counts = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "cycle_runs"


class Alert(models.Model):
    """What operators have to know and is no single user's matter. Notifications read it (outbox), like JobEvent."""

    kind = models.CharField(max_length=32, help_text="cluster_closed, cluster_back, orphan_stopped, orphan_found")
    subject = models.CharField(max_length=200, help_text="what it is about, such as a cluster's name")
    message = models.CharField(max_length=500, help_text="what is so, and what to do")
    detail = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "alerts"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=models.Q(kind__in=["orphan_found", "orphan_stopped"]),
                name="orphan_told_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}"
