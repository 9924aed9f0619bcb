"""What the page shows of an example: enough to recognise it, small enough to keep in a row."""

import json
from collections.abc import Sequence
from typing import Any

from datasets.validation.problems import printable

EXAMPLES = 3
MAX_MESSAGES = 12
MAX_CONTENT = 1200
_MAX_CALLS = 10


def shorten(messages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """{"messages": [{"role", "content", "tool_calls"?: [text]}], "omitted": n} of a usable example's messages."""
    return {
        "messages": [_message(message) for message in messages[:MAX_MESSAGES]],
        "omitted": max(0, len(messages) - MAX_MESSAGES),
    }


def _message(message: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "role": message["role"],
        "content": printable(message.get("content") or "", MAX_CONTENT),
    }
    if message.get("tool_calls"):
        shown["tool_calls"] = [_call(call["function"]) for call in message["tool_calls"][:_MAX_CALLS]]
    return shown


def _call(function: dict[str, Any]) -> str:
    arguments = function.get("arguments", "")
    told = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return printable(f"{function['name']}({told})")
