"""`bin/benchmark [api|cycle|idle|page|compare …] [--jobs N]`: figures of the real stack, in a temporary folder."""

import argparse
import os
import platform
import subprocess
import sys

from benchmarks import rig

NAMES = ("api", "cycle", "idle", "page", "compare")
# A run of a few hundred examples lasts for hours: nothing ends while it is measured.
SLOW = 0.02


def main() -> None:
    """Measure what is named on the command line, or everything."""
    parser = argparse.ArgumentParser(prog="bin/benchmark", description=__doc__)
    what = f"what to measure: {', '.join(NAMES)} (default: everything)"
    parser.add_argument("names", metavar="NAME", nargs="*", choices=[*NAMES, []], help=what)
    parser.add_argument("--jobs", type=int, default=1000, help="active jobs of the cycle (default 1000)")
    asked = parser.parse_args()
    database = os.environ.get("DATABASE_URL", "sqlite").split(":")[0]
    names = asked.names or NAMES
    if len(names) > 1:
        # Each in a process of its own: Django is set up once, for one stack.
        for name in names:
            subprocess.run([sys.executable, "-m", "benchmarks", name, "--jobs", str(asked.jobs)], check=True)
        return
    print(f"{names[0]}: {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {database}")
    with rig.running(speed=SLOW, with_beat=names[0] == "idle") as started:
        # Its modules need Django, which the rig has just set up.
        from benchmarks import api, compare, cycle, idle, page

        if names[0] == "cycle":
            cycle.measure(started, asked.jobs)
        elif names[0] == "api":
            api.measure(started)
        elif names[0] == "page":
            page.measure(started)
        elif names[0] == "compare":
            compare.measure(started)
        else:
            idle.measure(started)


if __name__ == "__main__":
    main()
