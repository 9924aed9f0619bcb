"""Questions and answers of the two desks, made from their tables."""

import tomllib
from collections.abc import Iterator
from importlib import resources
from typing import Any


def table(name: str) -> dict[str, Any]:
    """The table `name`.toml beside this file."""
    return tomllib.loads(resources.files(__package__).joinpath(f"{name}.toml").read_text("utf-8"))


def shell_exchanges(tasks: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(question, answer); neighbours come from different tasks, so that any stretch of the file is mixed."""
    for time in range(tasks["times"]):
        for number, task in enumerate(tasks["task"]):
            words = {name: choices[(number + time) % len(choices)] for name, choices in tasks["words"].items()}
            answer = f"Do: {task['do']}\nWhy: {task['why']}\nCheck: {task['check']}"
            yield task["ask"][time % len(task["ask"])].format(**words), answer.format(**words)


def http_exchanges(codes: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(question, answer): each code is asked about in four ways."""
    for code in codes["code"]:
        status = code["status"]
        number = status.partition(" ")[0]
        meaning = f"Status: {status}\nMeaning: {code['meaning']}\nNext: "
        yield f"What does HTTP {number} mean?", meaning + code["caller"]
        yield f"My request came back with {status}. What do I do?", meaning + code["caller"]
        yield f"Our service answers {number} and I run it. Where do I start?", meaning + code["operator"]
        yield f"May I simply send it again after a {number}?", meaning + code["again"]
