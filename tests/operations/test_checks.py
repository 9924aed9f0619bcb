"""Settings that make no sense are refused at start, by the name of their variable."""

import os
import subprocess
import sys

import pytest

from lora_pipeline.devstack.places import ROOT

PRODUCTION = {
    "SECRET_KEY": "a-secret-of-production-" + "y4B!" * 12,
    "ALLOWED_HOSTS": "lora.example.com",
    "CSRF_TRUSTED_ORIGINS": "https://lora.example.com",
    "DATABASE_URL": "postgres://lora:pw@db.example.com/lora",
    "REDIS_URL": "rediss://:pw@broker.example.com:6379/0",
    "S3_ENDPOINT_URL": "https://s3.example.com",
    "S3_ACCESS_KEY_ID": "key",
    "S3_SECRET_ACCESS_KEY": "secret",
    "GPU_CLUSTER_API_URL": "https://gpu.example.com/api",
    "GPU_CLUSTER_API_KEY": "key",
    "PUBLIC_BASE_URL": "https://lora.example.com",
}


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A program of the product in a production environment."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **PRODUCTION, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def check(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`manage.py check` as an operator runs it."""
    return run("-W", "error", "manage.py", "check", *arguments, **environment)


def test_a_production_environment_passes_without_a_word_of_warning() -> None:
    done = check("--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_all_that_is_wrong_is_named_at_once_and_secrets_are_not_repeated() -> None:
    done = check(
        SECRET_KEY="too-short",
        POLL_INTERVAL_SECONDS="0",
        JOB_MAX_RUNTIME_SECONDS="1",
        REDIS_URL="hello:secret@broker",
        PUBLIC_BASE_URL="ftp://lora.example.com/path",
        CSRF_TRUSTED_ORIGINS="https://lora.example.com/path",
        API_RATE_USER="lots",
        NUM_PROXIES="-1",
        S3_SECRET_ACCESS_KEY="",
        WORKER_DATABASE_URL="postgres://worker:worker-secret@db.example.com/other",
        GPU_CLUSTER_API_URL="gpu.example.com",
    )
    assert done.returncode == 1
    for variable in (
        *("SECRET_KEY", "POLL_INTERVAL_SECONDS", "JOB_MAX_RUNTIME_SECONDS", "REDIS_URL", "PUBLIC_BASE_URL"),
        *("CSRF_TRUSTED_ORIGINS", "API_RATE_USER", "NUM_PROXIES", "S3_SECRET_ACCESS_KEY", "GPU_CLUSTER_API_URL"),
        "WORKER_DATABASE_URL",
    ):
        assert variable in done.stderr
    assert "too-short" not in done.stderr
    assert "hello:secret" not in done.stderr
    assert "worker-secret" not in done.stderr


@pytest.mark.parametrize(
    ("variable", "value", "advice"),
    [
        ("SECURE_SSL_REDIRECT", "ture", "is 'ture': set it to true or false"),
        ("POLL_INTERVAL_SECONDS", "often", "is 'often': set it to a whole number such as 30"),
        ("LOG_LEVEL", "loud", "is 'LOUD': set it to one of DEBUG, INFO,"),
        ("DATABASE_URL", "lora:secret@db/lora", "set it to one such as postgres://user:password@host/name"),
        ("WORKER_DATABASE_URL", "mysql://lora:secret@db/lora", "set it to one such as postgres://"),
        ("MIGRATE_DATABASE_URL", "postgres://lora:secret@db:port/lora", "set it to one such as postgres://"),
        ("EMAIL_URL", "secret@mail.example.com", "set it to one such as smtp+tls://"),
    ],
)
def test_what_cannot_be_read_ends_the_start_in_one_line_with_its_name(variable: str, value: str, advice: str) -> None:
    done = check(**{variable: value})
    assert done.returncode == 1
    assert done.stderr.startswith(variable)
    assert advice in done.stderr
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr


def test_an_empty_variable_counts_as_unset() -> None:
    empty = ("DEBUG", "POLL_INTERVAL_SECONDS", "DATABASE_URL", "WORKER_DATABASE_URL", "EMAIL_URL", "LOG_LEVEL")
    done = check(**dict.fromkeys(empty, ""))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("variable", ["SECRET_KEY"])
def test_what_has_no_default_is_asked_for(variable: str) -> None:
    done = check(**{variable: ""})
    assert f"{variable} is not set" in done.stderr


@pytest.mark.parametrize(
    "program",
    [
        ["-c", "import lora_pipeline.wsgi"],
        ["-m", "celery", "-A", "lora_pipeline", "worker", "-Q", "control", "--pool", "threads"],
        ["-m", "celery", "-A", "lora_pipeline", "beat", "--pidfile=", "-S", "celery.beat:Scheduler"],
    ],
    ids=["web", "worker", "beat"],
)
def test_no_program_starts_with_settings_that_make_no_sense(program: list[str]) -> None:
    done = run(*program, POLL_INTERVAL_SECONDS="0")
    assert done.returncode != 0
    assert "POLL_INTERVAL_SECONDS is 0, outside 1 to 3600." in done.stderr
