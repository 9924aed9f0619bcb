"""Killing a worker at every line: fork, run one command with a trace, `os._exit(9)` at the chosen line.

The cluster and the store live on in the parent: the child reaches them through a pipe, and what they did stays
done. Nothing of the child survives but that and what it committed. No process is started anew, so a point costs
milliseconds.
"""

import os
import pickle
import socket
import struct
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from django.db import connection, connections

from tests.promises.machines.wire import CarriedCluster, answer_storage

ROOT = Path(__file__).parents[3]
OURS = tuple(str(ROOT / folder) + os.sep for folder in ("jobs", "datasets", "notifications"))
KILLED = 9

Command = Callable[[], object]


@dataclass(frozen=True)
class Line:
    """The `occurrence`-th time (from 1) that a line of ours is reached, after so many queries and calls."""

    file: str
    number: int
    occurrence: int
    effects: int

    def __str__(self) -> str:
        return f"{self.file.removeprefix(str(ROOT) + os.sep)}:{self.number} (time {self.occurrence})"


@dataclass(frozen=True)
class Outside:
    """What outlives a child: how requests to cluster and store are answered."""

    carry: Callable[..., Any]
    store: Callable[..., Any]


def lines_of(command: Command, outside: Outside) -> list[Line]:
    """Every line of ours that the command reaches, in order; what it does is done."""
    reached: list[Line] = []
    effects = 0

    def counted(execute: Callable[..., Any], *query: Any) -> Any:
        nonlocal effects
        effects += 1
        return execute(*query)

    def child(ask: Ask) -> None:
        seen: Counter[tuple[str, int]] = Counter()

        def at(file: str, number: int) -> None:
            seen[file, number] += 1
            reached.append(Line(file, number, seen[file, number], effects + ask.count))

        with connection.execute_wrapper(counted):
            _traced(command, at)
        ask.send("told", reached)

    code, told = _in_child(child, outside)
    assert code == 0, f"the command failed without being killed (exit code {code})"
    lines: list[Line] = told
    return lines


def between_effects(lines: list[Line]) -> list[Line]:
    """One line for each stretch in which nothing reaches the database or the network.

    Where in a stretch a process dies makes no difference to what it leaves.
    """
    return [line for line, following in zip(lines, [*lines[1:], None], strict=True) if _ends(line, following)]


def _ends(line: Line, following: Line | None) -> bool:
    return following is None or following.effects != line.effects


def killed_at(line: Line, command: Command, outside: Outside) -> bool:
    """Run the command in a child that dies as soon as it is about to run that line; whether it came so far."""

    def child(_: Ask) -> None:
        left = line.occurrence

        def at(file: str, number: int) -> None:
            nonlocal left
            if (file, number) == (line.file, line.number):
                left -= 1
                if not left:
                    os._exit(KILLED)

        _traced(command, at)

    code, _ = _in_child(child, outside)
    assert code in (0, KILLED), f"the command failed by itself, with exit code {code}"
    return code == KILLED


def _traced(command: Command, at: Callable[[str, int], None]) -> None:
    def inside(frame: FrameType, event: Literal["call", "line", "return", "exception", "opcode"], _: Any) -> Any:
        if event == "line":
            at(frame.f_code.co_filename, frame.f_lineno)
        return inside

    def calls(frame: FrameType, event: Literal["call", "line", "return", "exception", "opcode"], _: Any) -> Any:
        return inside if frame.f_code.co_filename.startswith(OURS) else None

    sys.settrace(calls)
    try:
        command()
    finally:
        sys.settrace(None)


class Ask:
    """The child's end of the pipe."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.count = 0

    def send(self, what: str, content: Any) -> None:
        _send(self._sock, (what, content))

    def __call__(self, what: str) -> Callable[..., Any]:
        def asking(*request: Any) -> Any:
            self.count += 1
            self.send(what, request)
            return _receive(self._sock)

        return asking


def _in_child(run: Callable[[Ask], None], outside: Outside) -> tuple[int, Any]:
    """Run in a forked child, answering what it asks of the world. Its exit code, and what it told at the end."""
    connections.close_all()  # a connection must not be shared
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            ours.close()
            ask = Ask(theirs)
            CarriedCluster.carrier = staticmethod(ask("carry"))
            answer_storage(ask("store"))
            run(ask)
            code = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)  # nothing of the child may run on in pytest
    theirs.close()
    told = None
    with ours:
        while (asked := _receive(ours)) is not None:
            what, content = asked
            if what == "told":
                told = content
            else:
                _send(ours, getattr(outside, what)(*content))
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), told


def _send(sock: socket.socket, content: Any) -> None:
    packed = pickle.dumps(content)
    with suppress(BrokenPipeError):  # who waited for the answer has died
        sock.sendall(struct.pack("!I", len(packed)) + packed)


def _receive(sock: socket.socket) -> Any:
    head = _exactly(sock, 4)
    return None if head is None else pickle.loads(_exactly(sock, struct.unpack("!I", head)[0]) or b"")  # noqa: S301


def _exactly(sock: socket.socket, count: int) -> bytes | None:
    pieces = b""
    while len(pieces) < count:
        try:
            piece = sock.recv(count - len(pieces))
        except ConnectionResetError:
            return None
        if not piece:
            return None
        pieces += piece
    return pieces
