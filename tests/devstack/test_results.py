"""At the end the demo says what a job came to, and does not take a job that learned nothing for a success."""

from typing import Any

from lora_pipeline.devstack import results

JOB = {"id": "1", "name": "Shell desk adapter"}


def event(second: int, **changes: Any) -> dict[str, Any]:
    moment = f"2026-01-01T00:{second // 60:02}:{second % 60:02}Z"
    return {"kind": "stage", "detail": {}, "to_status": "", "created_at": moment, **changes}


def artifact(base: float | None = 3.0, best: float | None = 0.4, **changes: Any) -> dict[str, Any]:
    names = ("adapter_model.safetensors", "adapter_config.json", "training_summary.json")
    url = "http://127.0.0.1:1/lora-models/alice/job/1/{}?X-Amz-Signature=secret"
    return {
        "files": [{"path": name, "size": 1_000_000, "url": url.format(name)} for name in names],
        "training_summary": {
            "base_validation_loss": base,
            "best_validation_loss": best,
            "samples": [
                {
                    "prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Count lines?"}],
                    "expected": "Do: wc -l",
                    "base": "You can\nuse it.",
                    "adapter": "Do: wc -l\nWhy: it counts.",
                }
            ],
        },
        **changes,
    }


def test_the_time_of_each_stage_comes_from_the_timeline() -> None:
    timeline = [
        event(0, kind="status", to_status="queued"),
        event(2, kind="status", to_status="initializing"),
        event(2, detail={"stage": "model_loading"}),
        event(3, kind="cost"),
        event(40, detail={"stage": "training"}),
        event(160, kind="status", to_status="completed"),
    ]
    assert results.stages(timeline) == [("queued", 2), ("model loading", 38), ("training", 120)]


def test_losses_files_and_one_answer_with_and_without_the_adapter_are_told() -> None:
    told = results.described(JOB, [], artifact(), "lora-models")
    assert "3.000 → 0.400" in told
    assert "3 with 3.0 MB in lora-models/alice/job/1/" in told
    assert "Asked     Count lines?" in told
    assert "You can\n            use it." in told
    assert "secret" not in told


def test_a_run_without_summary_is_described_all_the_same() -> None:
    assert "3 with 3.0 MB" in results.described(JOB, [], artifact(training_summary={}), "lora-models")


def test_a_job_that_learned_has_no_problems() -> None:
    assert results.problems(JOB, artifact()) == []


def test_a_loss_that_did_not_fall_is_a_problem() -> None:
    assert "learned nothing" in results.problems(JOB, artifact(best=3.0))[0]
    assert "learned nothing" in results.problems(JOB, artifact(base=None))[0]


def test_a_missing_file_is_a_problem() -> None:
    kept = artifact()
    kept["files"] = kept["files"][1:]
    assert results.problems(JOB, kept) == ["Shell desk adapter has no adapter_model.safetensors."]
