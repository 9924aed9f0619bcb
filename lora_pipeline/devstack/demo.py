"""`bin/demo`: the whole product on this machine, with two users' worth of data and two training jobs."""

import argparse
import json
import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lora_pipeline.devstack import addresses, remains, storage
from lora_pipeline.devstack.addresses import PortTaken
from lora_pipeline.devstack.interrupts import Interrupts, StopRequested
from lora_pipeline.devstack.places import ROOT, AlreadyRunning, Places, write_private
from lora_pipeline.devstack.programs import NotReady
from lora_pipeline.devstack.stack import Options, Stack, as_shell, compose, origins, sparing_loopback
from lora_pipeline.devstack.supervisor import Supervisor
from lora_pipeline.devstack.terminal import Terminal
from lora_pipeline.devstack.walk import Walk

_STOPPED_BY_SIGNAL = 130
_SIMULATED_SPEED = 2.0
_FIRST_JOB = (
    "The first job ever installs the trainer and fetches a small base model (minutes); then it trains for real."
)


def main(arguments: list[str]) -> int:
    """Run the demo until it is told to stop (or, with --once, until both jobs are done); returns the exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.once and not asked.jobs:
        parser.error("--once waits for the jobs that --no-jobs leaves out")
    os.environ.update(sparing_loopback(os.environ))
    places = Places(asked.state.resolve())
    with Terminal() as terminal:
        try:
            with places.only_stack():
                return _run(asked, places, terminal)
        except (AlreadyRunning, PortTaken, NotReady, FileNotFoundError) as error:
            terminal.say(str(error))
            return 1
        except (BotoCoreError, ClientError) as error:
            terminal.say(f"The S3 server cannot be used: {error}")
            return 1
        except StopRequested:
            return _STOPPED_BY_SIGNAL


def _run(asked: argparse.Namespace, places: Places, terminal: Terminal) -> int:
    left = remains.stop(places.run)
    if left:
        terminal.say(f"Stopped what a killed bin/demo had left running: {', '.join(left)}.")
    if asked.reset:
        addresses.forget(places.ports)
        places.forget()
    places.prepare()
    chosen = addresses.choose(places.ports, web=asked.port)
    options = Options(level=asked.level or 2, speed=_speed(asked), poll_seconds=asked.poll_interval)
    stack = compose(places, options, chosen, os.environ)
    write_private(places.environment, as_shell(stack.settings))
    with (
        Interrupts() as interrupts,
        Supervisor(run=places.run, logs=places.logs, say=terminal.say, interrupts=interrupts) as supervisor,
    ):
        started = time.monotonic()
        _start(stack, supervisor, origins(chosen), terminal)
        facts = _write_facts(places, stack)
        terminal.say(_welcome(stack, facts, places, time.monotonic() - started))
        code = 0
        with Walk(stack, facts["users"][0], terminal, interrupts.wake) if asked.jobs else nullcontext() as walk:
            if asked.once and walk is not None:
                code = _stay_until_done(supervisor, interrupts, walk, terminal, asked.timeout)
            else:
                _stay(supervisor, interrupts)
        terminal.freeze()
        terminal.say("Stopping … (Ctrl-C again: at once)")
        supervisor.stop()
    terminal.say("Stopped. `bin/demo` goes on with the same data, `bin/demo --reset` begins anew.")
    return code


def _start(stack: Stack, supervisor: Supervisor, allowed: tuple[str, ...], terminal: Terminal) -> None:
    """Servers, then tables and users, then our own programs, then Beat; each ready before the next."""
    terminal.say("Starting …")
    for program in stack.servers:
        supervisor.spawn(program)
    supervisor.complete(stack.preparation)  # meanwhile the servers get ready
    supervisor.await_ready(stack.servers)
    storage.ensure_buckets(stack.s3, stack.buckets.values())
    storage.allow_browsers(stack.s3, bucket=stack.buckets["lora-datasets"], origins=allowed)
    supervisor.start(stack.control_plane)
    supervisor.start([stack.beat])


def _write_facts(places: Places, stack: Stack) -> dict[str, Any]:
    """demo.json: what scripts need to know."""
    facts = {
        "base_url": stack.base_url,
        "users": json.loads(stack.users_file.read_text()),
        "s3": {
            "endpoint_url": stack.s3.endpoint_url,
            "access_key_id": stack.s3.access_key_id,
            "secret_access_key": stack.s3.secret_access_key,
            "buckets": dict(stack.buckets),
        },
        "cluster": {"url": stack.cluster_url, "api_key": stack.cluster_key},
    }
    write_private(places.facts, json.dumps(facts, indent=2))
    return facts


def _welcome(stack: Stack, facts: dict[str, Any], places: Places, seconds: float) -> str:
    logins = [f"  {user['username']:<9} {user['password']}" for user in facts["users"]]
    return "\n".join(
        [
            "",
            f"LoRA Pipeline is ready, after {seconds:.1f} s.",
            f"  Pages     {stack.base_url}/training/jobs",
            f"  API       {stack.base_url}/api/docs",
            f"  Admin     {stack.base_url}/admin/  (as operator)",
            "Logins (their API tokens are in demo.json):",
            *logins,
            f"Logs are in {places.logs}. Ctrl-C stops everything.",
            *([_FIRST_JOB] if stack.trains_here else []),
            "",
        ]
    )


def _stay(supervisor: Supervisor, interrupts: Interrupts) -> None:
    """Mind the processes until someone stops us."""
    while not interrupts.requests:
        interrupts.wait(supervisor.watch())


def _stay_until_done(
    supervisor: Supervisor, interrupts: Interrupts, walk: Walk, terminal: Terminal, patience: float
) -> int:
    """Mind the processes until the walk is done, for `patience` seconds at most; returns the exit code."""
    deadline = time.monotonic() + patience
    while not interrupts.requests:
        if walk.is_done:
            return 0 if walk.succeeded else 1
        left = deadline - time.monotonic()
        if left <= 0:
            terminal.say(f"Not done after {patience:.0f} s: see the table above, and the logs.")
            return 1
        due = supervisor.watch()
        interrupts.wait(left if due is None else min(left, due))
    return _STOPPED_BY_SIGNAL


def _speed(asked: argparse.Namespace) -> float | None:
    """The pace of simulated training; None for real training, which has neither a pace nor a lower level."""
    if asked.simulated or asked.level is not None or asked.speed is not None:
        return asked.speed or _SIMULATED_SPEED
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bin/demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end as soon as both jobs are done: 0 if they succeeded")
    parser.add_argument("--reset", action="store_true", help="forget everything stored, and begin anew")
    parser.add_argument("--port", type=int, help="of the web pages (default: a free one, kept over restarts)")
    parser.add_argument("--simulated", action="store_true", help="compute the training's figures instead of training")
    parser.add_argument("--level", type=int, choices=(1, 2), help="simulated, at this level of the cluster API")
    parser.add_argument("--speed", type=float, help=f"simulated, at this pace (default {_SIMULATED_SPEED} times)")
    parser.add_argument("--poll-interval", type=int, default=5, help="seconds between two ticks, at the first start")
    parser.add_argument("--no-jobs", dest="jobs", action="store_false", help="only start, create nothing")
    parser.add_argument("--timeout", type=float, default=2400, help="of --once, in seconds (default 2400)")
    parser.add_argument("--state", type=Path, default=ROOT / ".local", help="where everything is kept (default .local)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
