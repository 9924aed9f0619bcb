"""Operators see all jobs and what belongs to them, cancel, retry and hurry jobs, and keep prices and base models.

Rows change through services only, so that every change has its event; the price list and the base models are
the operators' own. Beat's schedule is in django-celery-beat's part of the admin.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from kombu.exceptions import OperationalError

from accounts.callers import caller
from datasets.admin import ReadOnly
from datasets.exceptions import DatasetError
from datasets.nudges import nudge, nudge_events
from jobs import services, tasks
from jobs.exceptions import BrokerUnavailable, JobError
from jobs.models import (
    Alert,
    BaseModel,
    Checkpoint,
    Cluster,
    CostRecord,
    CycleRun,
    GpuPrice,
    Installation,
    JobAttempt,
    JobEvent,
    JobLog,
    MetricsPoint,
    ModelArtifact,
    TrainingJob,
)
from jobs.states import Status

# What moves a job on, by its status; ended ones stay.
TASK_OF_STATUS = {
    Status.QUEUED: tasks.submit_job,
    Status.CANCELLING: tasks.release_job,
}


class _Related(admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs alone
    extra = max_num = 0
    can_delete = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AttemptInline(_Related):
    model = JobAttempt
    fields = (
        "number",
        "cluster",
        "outcome",
        "external_job_id",
        "submitted_at",
        "billable_seconds",
        "cost",
        "end_reason",
    )


class EventInline(_Related):
    model = JobEvent
    fields = readonly_fields = ("created_at", "kind", "from_status", "to_status", "actor", "message")


class CostInline(_Related):
    model = CostRecord
    fields = ("recorded_at", "attempt", "cost_type", "amount", "period_start", "period_end")


@admin.register(TrainingJob)
class TrainingJobAdmin(ReadOnly):
    list_display = (
        "short_id",
        "name",
        "owner",
        "status",
        "current_stage",
        "progress",
        "current_cost",
        "cluster",
        "waiting_for",
        "created_at",
    )
    list_display_links = ("short_id", "name")
    list_filter = ("status", "cluster", "preset", "base_model", "error_code", "simulated", "created_at")
    list_select_related = ("owner",)
    search_fields = ("id", "name", "owner__username", "dataset__name", "external_job_id")
    date_hierarchy = "created_at"
    exclude = ("lease_token", "request_sha256")
    inlines = (AttemptInline, EventInline, CostInline)
    actions = ("cancel", "retry", "process_now")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.change_trainingjob")

    @admin.action(description="Cancel", permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: "QuerySet[TrainingJob]") -> None:
        def cancel(job: TrainingJob) -> None:
            services.job_cancel_by_staff(staff=caller(request), job=job)
            nudge(tasks.release_job, str(job.pk))

        self._each(request, queryset, cancel, "asked to stop")

    @admin.action(description="Retry", permissions=["operate"])
    def retry(self, request: HttpRequest, queryset: "QuerySet[TrainingJob]") -> None:
        def retry(job: TrainingJob) -> None:
            fresh = services.job_retry_by_staff(staff=caller(request), job=job)
            nudge(tasks.submit_job, str(fresh.pk))

        self._each(request, queryset, retry, "started again")

    @admin.action(description="Process now", permissions=["operate"])
    def process_now(self, request: HttpRequest, queryset: "QuerySet[TrainingJob]") -> None:
        active = [job for job in queryset if not job.is_terminal]
        for job in active:
            if job.cluster_result:
                nudge(tasks.collect_artifact, str(job.pk))
            elif task := TASK_OF_STATUS.get(Status(job.status)):
                nudge(task, str(job.pk))
            else:
                nudge(tasks.poll_jobs, [str(job.pk)])
        self.message_user(request, f"{len(active)} active jobs handed to the workers.", messages.SUCCESS)

    def _each(
        self, request: HttpRequest, jobs: "QuerySet[TrainingJob]", act: Callable[[TrainingJob], None], done: str
    ) -> None:
        """Act on each job; one that cannot be acted on is named with the reason and stops no other."""
        count = 0
        for job in jobs.select_related("owner", "base_model"):
            try:
                act(job)
            except (JobError, DatasetError) as error:
                self.message_user(request, f"{job.name} ({job.short_id}): {error.message}", messages.WARNING)
            else:
                count += 1
        nudge_events()
        if count:
            self.message_user(request, f"{count} jobs {done}.", messages.SUCCESS)


@admin.register(JobAttempt)
class JobAttemptAdmin(ReadOnly):
    list_display = ("job", "number", "cluster", "outcome", "external_job_id", "submitted_at", "cost", "end_reason")
    list_filter = ("outcome", "cluster", "created_at")
    list_select_related = ("job",)
    search_fields = ("job__id", "job__name", "external_job_id", "submission_key")


@admin.register(JobEvent)
class JobEventAdmin(ReadOnly):
    list_display = ("created_at", "job", "kind", "from_status", "to_status", "actor", "message")
    list_display_links = ("created_at", "message")
    list_filter = ("kind", "to_status", "created_at")
    list_select_related = ("job",)
    search_fields = ("job__id", "job__name", "actor", "message")


@admin.register(JobLog)
class JobLogAdmin(ReadOnly):
    list_display = ("job", "attempt", "total_lines", "storage_path", "updated_at")
    list_select_related = ("job",)
    search_fields = ("job__id", "job__name")


@admin.register(MetricsPoint)
class MetricsPointAdmin(ReadOnly):
    list_display = ("job", "attempt", "restart", "step", "epoch", "training_loss", "validation_loss", "throughput")
    list_filter = ("job__status",)
    list_select_related = ("job",)
    search_fields = ("=job__id", "job__name")
    show_full_result_count = False  # there are millions


@admin.register(CostRecord)
class CostRecordAdmin(ReadOnly):
    list_display = ("recorded_at", "job", "owner", "attempt", "cost_type", "amount")
    list_filter = ("cost_type", "recorded_at")
    list_select_related = ("job", "owner")
    search_fields = ("job__id", "job__name", "owner__username")
    date_hierarchy = "recorded_at"


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnly):
    list_display = ("job", "attempt", "restart", "step", "epoch", "validation_loss", "saved_at")
    list_select_related = ("job",)
    search_fields = ("job__id", "job__name")


@admin.register(ModelArtifact)
class ModelArtifactAdmin(ReadOnly):
    list_display = ("name", "version", "owner", "job", "status", "storage_prefix", "created_at")
    list_filter = ("status", "created_at")
    list_select_related = ("owner", "job")
    search_fields = ("id", "name", "job__id", "owner__username")


@admin.register(Cluster)
class ClusterAdmin(ReadOnly):
    list_display = ("name", "level", "simulated", "checked_at", "consecutive_failures", "open_until", "last_error")
    list_filter = ("level", "simulated")


@admin.register(Installation)
class InstallationAdmin(ReadOnly):
    list_display = ("id", "created_at")


@admin.register(Alert)
class AlertAdmin(ReadOnly):
    list_display = ["created_at", "kind", "subject", "message"]
    list_filter = ["kind", "created_at"]
    search_fields = ["subject", "message"]


@admin.register(CycleRun)
class CycleRunAdmin(ReadOnly):
    list_display = ("started_at", "counts")
    actions = ("start_cycle",)

    @admin.action(description="Start a cycle now", permissions=["view"])
    def start_cycle(self, request: HttpRequest, queryset: "QuerySet[CycleRun]") -> None:
        try:
            counts = tasks.process_training_jobs()
        except (OperationalError, OSError):
            self.message_user(request, BrokerUnavailable().message, messages.ERROR)
        else:
            due = ", ".join(f"{number} {name}" for name, number in counts.items())
            self.message_user(request, f"Job processing cycle complete: {due}.", messages.SUCCESS)


class GpuPriceForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    price_per_hour = forms.DecimalField(
        min_value=0, max_digits=10, decimal_places=4, help_text="US dollars per GPU and hour"
    )

    class Meta:
        model = GpuPrice
        fields = ("gpu_type", "price_per_hour")


@admin.register(GpuPrice)
class GpuPriceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A new price is for new jobs: each has frozen its own."""

    form = GpuPriceForm
    list_display = ("gpu_type", "price_per_hour", "updated_at")
    search_fields = ("gpu_type",)


@admin.register(BaseModel)
class BaseModelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "source", "parameters", "context_length", "licence", "is_default", "is_enabled")
    list_filter = ("source", "is_enabled")
    search_fields = ("name", "location")
    readonly_fields = ("is_default",)
    actions = ("make_default",)

    @admin.action(description="Make default", permissions=["change"])
    def make_default(self, request: HttpRequest, queryset: "QuerySet[BaseModel]") -> None:
        """Exactly one model is the default, so the former one steps back with the same click."""
        chosen = list(queryset[:2])
        if len(chosen) != 1:
            self.message_user(request, "Choose one model.", messages.WARNING)
            return
        with transaction.atomic():
            BaseModel.objects.filter(is_default=True).update(is_default=False)
            BaseModel.objects.filter(pk=chosen[0].pk).update(is_default=True, is_enabled=True)
        self.message_user(request, f"{chosen[0].name} is the default for new jobs.", messages.SUCCESS)
