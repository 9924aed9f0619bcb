"""What a driver and its cluster owe the control plane, over a real socket, at both levels."""

import hashlib

import pytest

from jobs.clusters.base import (
    Denied,
    NoSuchJob,
    Polled,
    PollRequest,
    Refused,
)
from jobs.clusters.files import files_of
from tests.contracts.under_test import DATASET, ClusterUnderTest

# -- Capabilities -----------------------------------------------------------------------------------------


def test_it_says_what_the_cluster_can_do(running: ClusterUnderTest) -> None:
    capabilities = running.cluster.capabilities()
    if running.level == 1:
        assert capabilities.features == frozenset()
    else:
        assert capabilities.has("idempotent_submit")
        assert capabilities.gpu_types == (("H100-80GB", 64),)
        assert capabilities.simulated


def test_a_wrong_key_is_denied_on_every_call(running: ClusterUnderTest) -> None:
    stranger, capabilities = running.stranger, running.capabilities
    with pytest.raises(Denied):
        stranger.capabilities()
    with pytest.raises(Denied):
        stranger.submit(running.order(), capabilities=capabilities)
    with pytest.raises(Denied):
        stranger.poll([PollRequest("run-1")], capabilities=capabilities)
    with pytest.raises(Denied):
        stranger.cancel("run-1", reason="", keep_adapter=False, capabilities=capabilities)


# -- Submit -----------------------------------------------------------------------------------------------


def test_a_job_goes_from_submit_to_completed(running: ClusterUnderTest) -> None:
    status = running.ended(running.submit())
    assert (status.state, status.progress, status.stage) == ("completed", 100, "completed")
    assert status.metrics["training_loss"] is not None
    assert status.simulated


def test_a_refused_order_comes_back_with_the_clusters_words(running: ClusterUnderTest) -> None:
    with pytest.raises(Refused, match=r"gpu_config\.type|T4") as caught:
        running.submit(running.order(gpu_type="T4-imaginary"))
    assert caught.value.permanent


def test_the_same_submit_again_is_the_same_job(level_2: ClusterUnderTest) -> None:
    order = level_2.order()
    assert level_2.submit(order) == level_2.submit(order)
    assert len(level_2.cluster.find(order.job_id)) == 1


def test_a_key_used_with_another_payload_is_refused(level_2: ClusterUnderTest) -> None:
    order = level_2.order()
    level_2.submit(order)
    with pytest.raises(Refused, match="key"):
        level_2.submit(level_2.order(job_id=order.job_id, base_model="org/other-3B"))


def test_at_level_1_a_second_submit_is_a_second_job(level_1: ClusterUnderTest) -> None:
    order = level_1.order()
    assert level_1.submit(order) != level_1.submit(order), "which is why the control plane never sends it twice"


# -- Poll -------------------------------------------------------------------------------------------------


def test_many_jobs_are_polled_at_once_and_an_unknown_one_disturbs_none(running: ClusterUnderTest) -> None:
    ids = [running.submit() for _ in range(3)]
    results = running.poll_all(ids[0], "run-unknown", *ids[1:])
    assert isinstance(results["run-unknown"], NoSuchJob)
    assert all(isinstance(results[each], Polled) and results[each].status.external_job_id == each for each in ids)


def test_polling_nothing_gives_nothing(running: ClusterUnderTest) -> None:
    assert running.poll_all() == {}


def test_an_id_is_quoted_in_the_url(running: ClusterUnderTest) -> None:
    strange = "../status/x?y=1#z %2f"
    assert isinstance(running.poll_all(running.submit(), strange)[strange], NoSuchJob)


def test_every_point_arrives_once_and_in_order(level_2: ClusterUnderTest) -> None:
    external_id = level_2.submit()
    level_2.ended(external_id)
    whole = level_2.poll(external_id)
    steps = [(point.step, "validation_loss" in point.values) for point in whole.points]
    assert steps == sorted(set(steps))
    assert steps[-1][0] == whole.status.total_steps
    assert not whole.has_more
    middle = level_2.poll(external_id, after=whole.next // 2)
    assert list(middle.points) == list(whole.points)[-len(middle.points) :]
    assert 0 < len(middle.points) < len(whole.points)
    assert level_2.poll(external_id, after=whole.next).points == []


def test_points_come_with_values_epoch_and_time(level_2: ClusterUnderTest) -> None:
    external_id = level_2.submit()
    level_2.ended(external_id)
    # The first point may be the base model's validation loss alone, at step 0.
    point = next(each for each in level_2.poll(external_id).points if "training_loss" in each.values)
    assert point.values["training_loss"] is not None
    assert point.epoch is not None
    assert point.at is not None
    assert point.at.tzinfo is not None


def test_at_level_1_the_current_metrics_are_the_point(level_1: ClusterUnderTest) -> None:
    polled = level_1.poll(level_1.submit_stuck())
    (point,) = polled.points
    assert point.step == polled.status.current_step
    assert point.values == polled.status.metrics


def test_billing_times_and_sequence_are_read(level_2: ClusterUnderTest) -> None:
    status = level_2.ended(level_2.submit())
    assert status.billing is not None
    assert status.billing.final
    assert status.billing.gpu_count == 1
    assert status.billing.billable_seconds > 0
    assert status.started_at is not None
    assert status.ended_at is not None
    assert status.started_at <= status.ended_at
    assert status.state_seq is not None
    assert status.heartbeat_at is not None


def test_a_failed_job_says_why(running: ClusterUnderTest) -> None:
    order = running.order()
    running.fault("job", {"outcome": {"kind": "out_of_memory", "at_step": 3}}, job_id=order.job_id)
    status = running.ended(running.submit(order))
    assert status.state == "failed"
    assert "out of memory" in (status.error_message or "")
    assert status.error_code == (None if running.level == 1 else "out_of_memory")


# -- Cancel -----------------------------------------------------------------------------------------------


def test_a_cancel_ends_the_job_and_may_be_repeated(running: ClusterUnderTest) -> None:
    external_id = running.submit_stuck()
    for _ in range(2):
        told = running.cluster.cancel(
            external_id, reason="by alice", keep_adapter=False, capabilities=running.capabilities
        )
        assert told is not None
        assert told.external_job_id == external_id
    status = running.ended(external_id)
    assert status.state == "cancelled"
    assert running.level == 1 or status.released_at is not None


def test_a_cancel_after_the_end_tells_how_it_ended(level_2: ClusterUnderTest) -> None:
    external_id = level_2.submit()
    level_2.ended(external_id)
    told = level_2.cluster.cancel(external_id, reason="", keep_adapter=False, capabilities=level_2.capabilities)
    assert told is not None
    assert told.state == "completed"


def test_a_cancel_may_keep_the_adapter(level_2: ClusterUnderTest) -> None:
    external_id = level_2.submit_stuck()
    level_2.cluster.cancel(external_id, reason="", keep_adapter=True, capabilities=level_2.capabilities)
    level_2.ended(external_id)
    assert "adapter_model.safetensors" in {file.path for file in level_2.cluster.artifacts(external_id).files}


def test_a_cancel_of_an_unknown_job_is_no_such_job(running: ClusterUnderTest) -> None:
    with pytest.raises(NoSuchJob):
        running.cluster.cancel("run-unknown", reason="", keep_adapter=False, capabilities=running.capabilities)


# -- Lookup -----------------------------------------------------------------------------------------------


def test_jobs_are_found_by_job_id_with_their_labels(level_2: ClusterUnderTest) -> None:
    order = level_2.order()
    external_id = level_2.submit(order)
    level_2.ended(external_id)
    (known,) = level_2.cluster.find(order.job_id)
    assert (known.external_job_id, known.job_id, known.attempt) == (external_id, order.job_id, 1)
    assert known.labels == order.labels
    assert known.state == "completed"
    assert level_2.cluster.find("no-such-job") == []


def test_active_lists_what_has_not_ended(level_2: ClusterUnderTest) -> None:
    ended, stuck = level_2.submit(), level_2.submit_stuck()
    level_2.ended(ended)
    active = {known.external_job_id for known in level_2.cluster.active()}
    assert stuck in active
    assert ended not in active


# -- Logs and files ---------------------------------------------------------------------------------------


def test_log_lines_come_page_by_page(level_2: ClusterUnderTest) -> None:
    external_id = level_2.submit()
    level_2.ended(external_id)
    page = level_2.cluster.logs(external_id, after=0)
    assert page.lines
    assert all(line.strip() for line in page.lines)
    assert level_2.cluster.logs(external_id, after=page.next).lines == []
    with pytest.raises(NoSuchJob):
        level_2.cluster.logs("run-unknown", after=0)


def test_the_files_of_a_completed_job_can_be_downloaded(running: ClusterUnderTest) -> None:
    external_id = running.submit()
    status = running.ended(external_id)
    if running.level == 1:
        files = files_of(status)
    else:
        listing = running.cluster.artifacts(external_id)
        assert listing.complete
        files = list(listing.files)
    assert {"adapter_config.json", "adapter_model.safetensors"} <= {file.path for file in files}
    for file in files:
        assert file.url is not None
        content = b"".join(running.cluster.download(file.url))
        assert content
        assert running.level == 1 or (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)


def test_a_changed_download_link_is_refused(running: ClusterUnderTest) -> None:
    external_id = running.submit()
    status = running.ended(external_id)
    files = files_of(status) or running.cluster.artifacts(external_id).files
    with pytest.raises(Refused):
        list(running.cluster.download(f"{files[0].url}0"))


def test_a_data_set_that_is_not_the_one_ordered_fails_the_job(level_2: ClusterUnderTest) -> None:
    order = level_2.order()
    changed = type(order.dataset)(order.dataset.url, "00" * 32, len(DATASET), order.dataset.url_expires_at)
    status = level_2.ended(level_2.submit(level_2.order(dataset=changed)))
    assert (status.state, status.error_code) == ("failed", "dataset_hash_mismatch")
