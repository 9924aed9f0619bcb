"""The way of the demo: a data set uploaded, another one imported, a training job on each, followed to the end.

All of it goes through the API, as any client would do it. It is safe to begin again: data sets are known by their
name, jobs by their idempotency key.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from botocore.exceptions import BotoCoreError, ClientError

from lora_pipeline.devstack import results
from lora_pipeline.devstack.client import Api, ApiError
from lora_pipeline.devstack.demo_data import DataSet
from lora_pipeline.devstack.plans import ON_A_CLUSTER, ON_THIS_MACHINE, Plan
from lora_pipeline.devstack.storage import S3Server

ENDED = ("completed", "failed", "cancelled")
_VALIDATION_SECONDS = 120
_BETWEEN_LOOKS = 1.0


class JourneyFailed(Exception):
    """The demo cannot go on; the message says why."""


class Journey:
    """Walks the plans for one user. `pause` waits between two looks, and raises to end the journey.

    `trains_here`: the cluster is the stack's own node, which trains for real on this machine.
    """

    def __init__(
        self,
        api: Api,
        *,
        username: str,
        s3: S3Server,
        buckets: Mapping[str, str],
        cluster_name: str,
        trains_here: bool,
        say: Callable[[str], None],
        pause: Callable[[float], None],
    ) -> None:
        self._api = api
        self._username = username
        self._s3 = s3
        self._buckets = buckets
        self._cluster_name = cluster_name
        self._trains_here = trains_here
        self._say = say
        self._pause = pause

    def begin(self) -> list[dict[str, Any]]:
        """Make the data sets and the jobs, or find those of an earlier run; returns the jobs. Raises JourneyFailed."""
        try:
            return [self._start(plan) for plan in (ON_THIS_MACHINE if self._trains_here else ON_A_CLUSTER)]
        except (ApiError, requests.RequestException, BotoCoreError, ClientError) as error:
            raise JourneyFailed(str(error)) from error

    def follow(self, jobs: list[dict[str, Any]], show: Callable[[list[dict[str, Any]]], None]) -> None:
        """Show the jobs again and again until each has ended."""
        while True:
            try:
                jobs = [self._api.get(f"jobs/{job['id']}")["job"] for job in jobs]
            except ApiError as error:  # the web server may just be starting again
                self._say(str(error))
            show(jobs)
            if all(job["status"] in ENDED for job in jobs):
                return
            self._pause(_BETWEEN_LOOKS)

    def check_results(self, jobs: list[dict[str, Any]]) -> None:
        """Tell what came out, if all jobs are completed and what they made can be fetched; raises JourneyFailed."""
        try:
            ended = [self._api.get(f"jobs/{job['id']}")["job"] for job in jobs]
            problems = [problem for job in ended for problem in self._problems(job)]
            for job in ended:
                if job["artifact_id"]:
                    self._describe(job)
        except (ApiError, requests.RequestException) as error:
            raise JourneyFailed(str(error)) from error
        if problems:
            raise JourneyFailed("\n".join(problems))

    def _start(self, plan: Plan) -> dict[str, Any]:
        dataset = self._find(plan.data_set) or (self._import(plan) if plan.imported else self._announce(plan))
        if dataset["status"] == "uploading":
            dataset = self._upload(dataset, plan.data_set)
        dataset = self._await_validation(dataset)
        body = {
            "name": f"{plan.data_set.name} adapter",
            "dataset_id": dataset["id"],
            "preset_id": plan.preset,
            "gpu_config": self._gpus(plan),
            "hyperparameters": dict(plan.hyperparameters),
        }
        key = f"bin/demo {dataset['id']} {self._cluster_name}"
        job: dict[str, Any] = self._api.post("jobs", body, **{"Idempotency-Key": key[:255]})["job"]
        return job

    def _find(self, data_set: DataSet) -> dict[str, Any] | None:
        """The data set of an earlier run that can be gone on with."""
        for dataset in self._api.get("datasets", limit=100)["datasets"]:
            if dataset["name"] == data_set.name and dataset["status"] != "error":
                return dict(dataset)
        return None

    def _announce(self, plan: Plan) -> dict[str, Any]:
        data_set = plan.data_set
        body = {
            "name": data_set.name,
            "description": data_set.description,
            "file_name": data_set.file_name,
            "file_size": len(data_set.contents),
        }
        dataset: dict[str, Any] = self._api.post("datasets", body)["dataset"]
        return dataset

    def _upload(self, dataset: dict[str, Any], data_set: DataSet) -> dict[str, Any]:
        """Send the file straight to storage by a signed ticket, then say that it is complete."""
        self._say(f"Uploading {data_set.file_name} to {self._buckets['lora-datasets']} …")
        ticket = self._api.post(f"datasets/{dataset['id']}/ticket", {})["upload"]
        sent = requests.request(
            ticket["method"], ticket["url"], headers=ticket["headers"], data=data_set.contents, timeout=60
        )
        if not sent.ok:
            raise JourneyFailed(f"Storage refused {data_set.file_name} with {sent.status_code}: {sent.text[:300]}")
        completed: dict[str, Any] = self._api.post(f"datasets/{dataset['id']}/complete", {})["dataset"]
        return completed

    def _import(self, plan: Plan) -> dict[str, Any]:
        """Put the file where the team's data pipeline would, then import it from there."""
        data_set, bucket = plan.data_set, self._buckets["training-files"]
        path = f"{self._username}/{data_set.file_name}"
        self._say(f"Importing {path} from {bucket} …")
        self._s3.client().put_object(Bucket=bucket, Key=path, Body=data_set.contents)
        body = {"path": path, "name": data_set.name, "description": data_set.description}
        dataset: dict[str, Any] = self._api.post("datasets/import", body)["dataset"]
        return dataset

    def _await_validation(self, dataset: dict[str, Any]) -> dict[str, Any]:
        deadline = time.monotonic() + _VALIDATION_SECONDS
        while dataset["status"] == "validating":
            if time.monotonic() > deadline:
                raise JourneyFailed(f"{dataset['name']} was not validated within {_VALIDATION_SECONDS} s.")
            self._pause(0.3)
            dataset = self._api.get(f"datasets/{dataset['id']}")["dataset"]
        if not dataset["training_ready"]:
            raise JourneyFailed(f"{dataset['name']} is not ready: {dataset.get('validation_errors')}")
        return dataset

    def _gpus(self, plan: Plan) -> dict[str, Any]:
        """What the plan wants; where the cluster is known to lack it, one GPU of what it has."""
        offered = {gpu["type"]: gpu["available"] for gpu in self._api.get("gpu-types")["gpu_types"]}
        there = [gpu for gpu, count in offered.items() if count]
        if not there or (offered.get(plan.gpu_type) or 0) >= plan.gpu_count:
            return {"type": plan.gpu_type, "count": plan.gpu_count}
        return {"type": there[0], "count": 1}

    def _problems(self, job: dict[str, Any]) -> list[str]:
        """What keeps a job from counting as done."""
        if job["status"] != "completed":
            error = job.get("error") or {}
            reason = " ".join(filter(None, (error.get("message"), error.get("advice"))))
            return [f"{job['name']} is {job['status']}. {reason or job.get('waiting_for') or ''}".rstrip()]
        artifact = self._api.get(f"jobs/{job['id']}/artifact")["artifact"]
        bucket = self._buckets["lora-models"]
        if not artifact["files"]:
            return [f"{job['name']} has no files in {bucket}."]
        broken = [file["path"] for file in artifact["files"] if not _is_whole(file, bucket)]
        unlearned = results.problems(job, artifact) if self._trains_here else []
        return [*(f"{job['name']}: {path} cannot be fetched from {bucket}." for path in broken), *unlearned]

    def _describe(self, job: dict[str, Any]) -> None:
        events = self._api.get(f"jobs/{job['id']}/events")["events"]
        artifact = self._api.get(f"jobs/{job['id']}/artifact")["artifact"]
        self._say(results.described(job, events, artifact, self._buckets["lora-models"]))


def _is_whole(file: dict[str, Any], bucket: str) -> bool:
    """True when the file's signed URL brings, from `bucket`, just the bytes that the artifact lists."""
    address = urlsplit(file["url"] or "")
    if not (address.path.startswith(f"/{bucket}/") or address.netloc.startswith(f"{bucket}.")):
        return False
    answer = requests.get(file["url"], timeout=60)
    return answer.ok and hashlib.sha256(answer.content).hexdigest() == file["sha256"]
