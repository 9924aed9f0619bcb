"""`bin/NAME …` arrives here: make the environments that NAME needs, then become it."""

import sys
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # was this folder, since Python was started on it

from bootstrap import installer, locks, trainer  # noqa: E402 - needs the path above
from bootstrap.environment import Checkout  # noqa: E402

UV = ROOT / "requirements" / "uv.txt"
APP = [ROOT / "requirements.txt", ROOT / "requirements" / "stack.txt"]
DEV = [ROOT / "requirements" / "dev.txt"]
NODE = [ROOT / "gpu_node" / "requirements.txt"]
NODE_DEV = [ROOT / "gpu_node" / "requirements-dev.txt"]

# Commands that are not the stack's own; they need what tests need.
ELSEWHERE = {"benchmark": "benchmarks", "chaos": "tests.chaos", "screenshots": "tests.e2e.screenshots"}


def main(name: str, arguments: list[str]) -> None:
    """Set up for `name` (demo, test, chaos, screenshots, manage, benchmark, sbom, trainer or lock) and become it."""
    checkout = Checkout(ROOT)
    found = partial(installer.find, checkout.local / "tools", UV)
    if name == "lock":
        locks.pin_anew(ROOT, found(), arguments)
        return
    if name == "trainer":
        trainer.become(ROOT, arguments)
    tests = name in ("test", "sbom", *ELSEWHERE)
    python = checkout.ready("venv", APP + DEV if tests else APP, installer=found)
    if name not in ("manage", "sbom"):
        checkout.ready("gpu_node", NODE + NODE_DEV if tests else NODE, installer=found)
    if name == "test":
        trainer.ready(ROOT, "--dev")  # bin/demo leaves this to the node, which shows how far it is on the job's page
    checkout.hand_over(python, "-m", ELSEWHERE.get(name, f"lora_pipeline.devstack.{name}"), *arguments)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except installer.SetupFailed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(130)
