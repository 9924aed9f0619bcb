"""`bin/test`: every check there is; with arguments, pytest with these arguments.

    bin/test                        all of it; SQLite and PostgreSQL
    bin/test tests/jobs -k cancel   just these tests, on SQLite

REQUIRE_BROWSER=1 makes a missing Chromium a failure. What needs a GPU is in trainer/gpu_checks, not here.
"""

import os
import secrets
import signal
import sys
import time
from functools import partial
from pathlib import Path

from lora_pipeline.devstack import chromium, node, postgres, steps
from lora_pipeline.devstack.console import INTERRUPTED, Console
from lora_pipeline.devstack.lanes import side_by_side
from lora_pipeline.devstack.places import ROOT
from lora_pipeline.devstack.programs import NotReady
from lora_pipeline.devstack.steps import Outcome, Step

BIN = Path(sys.executable).parent
NODE_BIN = node.PYTHON.parent
NODE_ROOT = ROOT / "gpu_node"
TRAINER_BIN = node.TRAINER / "bin"
TRAINER_ROOT = ROOT / "trainer"

# What takes a browser or minutes runs once, as a step of its own.
_PLAIN = ("-m", "not browser and not training and not chaos and not planted")
# As a careful operator would set it: `check --deploy` has nothing to say then.
_PRODUCTION = {
    "SECRET_KEY": secrets.token_urlsafe(64),
    "ALLOWED_HOSTS": "lora.example.com",
    "CSRF_TRUSTED_ORIGINS": "https://lora.example.com",
    "PUBLIC_BASE_URL": "https://lora.example.com",
    "DATABASE_URL": "sqlite://:memory:",
    "GPU_CLUSTER_API_URL": "https://gpu.example.com",
    "GPU_CLUSTER_API_KEY": "key",
    "S3_ENDPOINT_URL": "https://s3.example.com",
    "S3_ACCESS_KEY_ID": "key",
    "S3_SECRET_ACCESS_KEY": "secret",
}


def main(arguments: list[str]) -> int:
    """Run the checks; returns 0 when nothing failed."""
    environment = steps.clean_environment()
    if arguments:
        os.chdir(ROOT)
        os.execve(sys.executable, [sys.executable, "-m", "pytest", *arguments], environment)  # noqa: S606
    started = time.monotonic()
    outcomes = side_by_side(_light(environment), [Step("tests on PostgreSQL", partial(_on_postgresql, environment))])
    outcomes += [step.outcome(Console()) for step in _heavy(environment)]
    return _summarize(outcomes, time.monotonic() - started)


def _light(environment: dict[str, str]) -> list[Step]:
    """What takes about as long as the tests on PostgreSQL, and bears that they run beside it."""
    production = {**environment, **_PRODUCTION}
    manage = (sys.executable, "manage.py")
    return [
        steps.check("ruff check", [BIN / "ruff", "check", "."], folder=ROOT),
        steps.check("ruff format", [BIN / "ruff", "format", "--check", "."], folder=ROOT),
        steps.check("mypy", [BIN / "mypy", "."], folder=ROOT, environment=production),
        steps.check("import contracts", [BIN / "lint-imports"], folder=ROOT, environment=production),
        steps.check(
            "check --deploy",
            [*manage, "check", "--deploy", "--fail-level", "WARNING"],
            folder=ROOT,
            environment=production,
        ),
        steps.check(
            "missing migrations",
            [*manage, "makemigrations", "--check", "--dry-run"],
            folder=ROOT,
            environment=production,
        ),
        steps.check("gpu_node: ruff check", [NODE_BIN / "ruff", "check", "."], folder=NODE_ROOT),
        steps.check("gpu_node: ruff format", [NODE_BIN / "ruff", "format", "--check", "."], folder=NODE_ROOT),
        steps.check("gpu_node: mypy", [NODE_BIN / "mypy", "src", "tests"], folder=NODE_ROOT),
        steps.pytest("gpu_node: tests", [], folder=NODE_ROOT, environment=environment, python=node.PYTHON),
        steps.check("trainer: ruff check", [TRAINER_BIN / "ruff", "check", "."], folder=TRAINER_ROOT),
        steps.check("trainer: ruff format", [TRAINER_BIN / "ruff", "format", "--check", "."], folder=TRAINER_ROOT),
        steps.check("trainer: mypy", [TRAINER_BIN / "mypy", "src", "tests"], folder=TRAINER_ROOT),
        steps.pytest("trainer: tests", [], folder=TRAINER_ROOT, environment=environment, python=TRAINER_BIN / "python"),
        steps.pytest("tests on SQLite", _PLAIN, folder=ROOT, environment=environment),
    ]


def _heavy(environment: dict[str, str]) -> list[Step]:
    """What has the machine to itself: real processes, and clocks that look at them."""
    return [
        steps.pytest("training, end to end", ["-m", "training"], folder=ROOT, environment=environment),
        steps.pytest("chaos, the short form", ["-m", "chaos"], folder=ROOT, environment=environment),
        steps.pytest("planted faults", ["-m", "planted"], folder=ROOT, environment=environment),
        *browser_steps(environment),
    ]


def _on_postgresql(environment: dict[str, str], console: Console) -> tuple[int, int, int]:
    """The same tests as on SQLite, on a PostgreSQL that runs just for them."""
    try:
        with postgres.running() as database_url:
            moved = {**environment, "DATABASE_URL": database_url}
            return steps.pytest("tests on PostgreSQL", _PLAIN, folder=ROOT, environment=moved).run(console)
    except (FileNotFoundError, NotReady) as error:
        console.say(str(error))
        return 0, 1, 0


def browser_steps(environment: dict[str, str]) -> list[Step]:
    """The browser tests where Chromium is; else a line that says so, or a failure where they are required."""
    if chromium.find():
        return [steps.pytest("browser tests", ["-m", "browser"], folder=ROOT, environment=environment)]

    def say_so(console: Console) -> tuple[int, int, int]:
        required = os.environ.get("REQUIRE_BROWSER", "") not in ("", "0")
        console.say("Browser tests were NOT run: Chromium is not installed (.ci/run installs it).")
        return 0, int(required), 0

    return [Step("browser tests: not run", say_so)]


def _summarize(outcomes: list[Outcome], seconds: float) -> int:
    passed, failed = sum(one.passed for one in outcomes), sum(one.failed for one in outcomes)
    print(f"\n--- Summary, after {seconds:.0f} s")
    for outcome in outcomes:
        print(outcome.line())
    print(f"\n{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: what runs would stay behind
        signal.signal(number, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
