"""S6: what the stack costs while nothing happens, Beat's ticks included."""

import time

from benchmarks.report import row
from benchmarks.rig import Rig

SECONDS = 60


def measure(rig: Rig) -> None:
    """Print the CPU share of all processes over a minute."""
    names = tuple(rig.processes)
    time.sleep(5)  # let everything come to rest
    before = {name: rig.cpu_seconds(name) for name in names}
    time.sleep(SECONDS)
    shares = {name: (rig.cpu_seconds(name) - before[name]) / SECONDS * 100 for name in names}
    parts = ", ".join(f"{name} {share:.2f}" for name, share in sorted(shares.items(), key=lambda part: -part[1]))
    row("S6", "the idle stack, share of one core", f"{sum(shares.values()):.2f} %", f"goal < 3 %: {parts}")
