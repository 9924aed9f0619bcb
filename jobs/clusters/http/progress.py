"""How a run goes, as JSON -> Status and Point. Pure.

Single fields that are missing or make no sense are None; the rest is kept. Only an answer that is no JSON
object at all is a ValueError.
"""

from collections.abc import Mapping
from typing import Any

from jobs.clusters.base import Billing, Point, Polled, Status
from jobs.clusters.http import envelope, reading

NOT_SAID = "unknown"

_STATES = {"queued", "running", "cancelling", "completed", "failed", "cancelled"}
_LONGEST_ERROR = 4000
_LONGEST_DETAIL = 300


def status(answer: object, external_job_id: str) -> Status:
    """The state of the job that was asked for; a `failed` anywhere wins over a kinder envelope."""
    layers = envelope.layers(answer)
    said = envelope.merged(answer)
    metrics, nonfinite = reading.numbers(said.get("metrics"))
    for name in ("progress", "eta_seconds"):
        nonfinite |= reading.numbers({name: said.get(name)})[1]
    return Status(
        external_job_id=external_job_id,
        state=_state(layers),
        stage=reading.text(said.get("stage"), longest=64),
        stage_detail=reading.text(said.get("stage_detail"), longest=_LONGEST_DETAIL),
        stage_progress=reading.number(said.get("stage_progress"), low=0, high=100),
        progress=reading.number(said.get("progress"), low=0, high=100),
        current_epoch=reading.integer(said.get("current_epoch")),
        total_epochs=reading.integer(said.get("total_epochs")),
        current_step=reading.integer(said.get("current_step"), high=reading.MAX_BIGINT),
        total_steps=reading.integer(said.get("total_steps"), high=reading.MAX_BIGINT),
        metrics=metrics,
        nonfinite=nonfinite,
        error_code=reading.text(said.get("error_code"), longest=64),
        error_message=_error_message(said),
        started_at=reading.moment(said.get("started_at")),
        ended_at=reading.moment(said.get("ended_at")),
        released_at=reading.moment(said.get("released_at")),
        heartbeat_at=reading.moment(said.get("heartbeat_at")),
        billing=_billing(said.get("billing")),
        state_seq=reading.integer(said.get("state_seq"), high=reading.MAX_BIGINT),
        restart=reading.integer(said.get("restart")) or 0,
        eta_s=reading.number(said.get("eta_seconds"), low=0, high=reading.TEN_YEARS_S),
        model_files=_addresses(said.get("model_files")),
        checkpoints=reading.integer(said.get("checkpoints")) or 0,
        simulated=said.get("simulated") is True,
    )


def word(layer: Mapping[str, Any]) -> str | None:
    """An object's status: a state that we know in our spelling, any other word as it was said."""
    said = layer.get("status")
    verbatim = reading.text(said, longest=64) if isinstance(said, str) else None
    ours = (verbatim or "").lower().replace("canceled", "cancelled").replace("canceling", "cancelling")
    return ours if ours in _STATES else verbatim


def names_a_state(answer: object) -> bool:
    """Whether an answer says which of the states that we know a job is in."""
    return isinstance(answer, dict) and any(word(layer) in _STATES for layer in envelope.layers(answer))


def _state(layers: list[Mapping[str, Any]]) -> str:
    words = [said for layer in layers if (said := word(layer)) is not None]
    if "failed" in words:
        return "failed"
    if words and words[-1] == "completed" and word(layers[-1]) is None and layers[-1].get("error"):
        return "failed"
    return words[-1] if words else NOT_SAID


def _error_message(said: Mapping[str, Any]) -> str | None:
    for told in (said.get("error_message"), reading.mapping(said.get("error")).get("message"), said.get("error")):
        if isinstance(told, str) and (message := reading.text(told, longest=_LONGEST_ERROR)):
            return message
    return None


def _billing(value: object) -> Billing | None:
    said = reading.mapping(value)
    seconds = reading.number(said.get("billable_seconds"), low=0, high=reading.TEN_YEARS_S)
    if seconds is None:
        return None
    return Billing(seconds, reading.integer(said.get("gpu_count")), said.get("final") is True)


def _addresses(value: object) -> dict[str, str] | None:
    # Not through reading.text: a signed URL is worth nothing without its query.
    if not isinstance(value, dict):
        return None
    return {name: url for name, url in value.items() if isinstance(url, str)}


# -- Points -----------------------------------------------------------------------------------------------


def polled_from_status(state: Status, after: int) -> Polled:
    """A status alone as a poll: its metrics are the point of its current step, if it names one."""
    nonfinite = {name: what for name, what in state.nonfinite.items() if name in state.metrics}
    if state.current_step is None or not (nonfinite or any(value is not None for value in state.metrics.values())):
        return Polled(state, next=after)
    epoch = None if state.current_epoch is None else float(state.current_epoch)
    point = Point(state.current_step, state.restart, epoch, values=state.metrics, nonfinite=nonfinite)
    return Polled(state, (point,), next=after)


def points(entries: list[Any]) -> list[Point]:
    """The points of a page; one without a step cannot be placed and is left out."""
    return [point for entry in entries if (point := _point(reading.mapping(entry))) is not None]


def _point(said: Mapping[str, Any]) -> Point | None:
    step = reading.integer(said.get("step"), high=reading.MAX_BIGINT)
    if step is None:
        return None
    values, nonfinite = reading.numbers(said.get("values"))
    return Point(
        step=step,
        restart=reading.integer(said.get("restart")) or 0,
        epoch=reading.number(said.get("epoch"), low=0),
        at=reading.moment(said.get("at")),
        values=values,
        nonfinite=reading.texts(said.get("nonfinite")) | nonfinite,
    )


def cursor(page: Mapping[str, Any], entries: list[Any], after: int) -> tuple[int, bool]:
    """Where to go on, and whether at once: only if that is further than before, else we turn in circles."""
    following = reading.integer(page.get("next"), high=reading.MAX_BIGINT)
    if following is None:
        seqs = (reading.integer(reading.mapping(entry).get("seq"), high=reading.MAX_BIGINT) for entry in entries)
        following = max((seq for seq in seqs if seq is not None), default=after)
    return following, page.get("has_more") is True and following > after
