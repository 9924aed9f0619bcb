"""What the page shows of an example: enough to recognise it, small enough to keep in a row."""

import json
from collections.abc import Sequence
from typing import Any

from datasets.validation.problems import printable

EXAMPLES = 3
MAX_MESSAGES = 12
MAX_CONTENT = 1200
_MAX_CALLS = 10

PREVIEWED = 25  # examples of the report
PREVIEW_MESSAGES = 40
PREVIEW_CONTENT = 6000
PREVIEW_CHARACTERS = 150_000  # of all of them; the last one may go beyond


def shorten(messages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """{"messages": [{"role", "content", "tool_calls"?: [text]}], "omitted": n} of a usable example's messages."""
    return {
        "messages": [_message(message, MAX_CONTENT) for message in messages[:MAX_MESSAGES]],
        "omitted": max(0, len(messages) - MAX_MESSAGES),
    }


class Preview:
    """Collects the first examples to page through, as long as they are small enough together."""

    def __init__(self) -> None:
        self.examples: list[dict[str, Any]] = []
        self._room = PREVIEW_CHARACTERS

    def offer(self, line: int, messages: Sequence[dict[str, Any]], tokens: int) -> None:
        """Take the next usable example: {"line", "tokens", "messages", "omitted"}."""
        if len(self.examples) == PREVIEWED or self._room <= 0:
            return
        example = at_length(line, messages, tokens)
        shown = example["messages"]
        self._room -= sum(len(message["content"]) + sum(map(len, message.get("tool_calls", ()))) for message in shown)
        self.examples.append(example)


def at_length(line: int, messages: Sequence[dict[str, Any]], tokens: int) -> dict[str, Any]:
    """{"line", "tokens", "messages", "omitted"} of a usable example, as long as a page can take it."""
    shown = [_message(message, PREVIEW_CONTENT) for message in messages[:PREVIEW_MESSAGES]]
    return {"line": line, "tokens": tokens, "messages": shown, "omitted": len(messages) - len(shown)}


def _message(message: dict[str, Any], limit: int) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "role": message["role"],
        "content": printable(message.get("content") or "", limit),
    }
    if message.get("tool_calls"):
        shown["tool_calls"] = [_call(call["function"]) for call in message["tool_calls"][:_MAX_CALLS]]
    return shown


def _call(function: dict[str, Any]) -> str:
    arguments = function.get("arguments", "")
    told = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return printable(f"{function['name']}({told})")
