"""Tool calls inside a conversation: their shape, and that every answer has a call before it."""

import json
from typing import Any

from datasets.validation.example import Finding, kind_of
from datasets.validation.problems import printable

_SHAPE = '{"id": "…", "type": "function", "function": {"name": "…", "arguments": "{…}"}}'


class ToolCalls:
    """Follows one conversation: `check` is called with its messages in order."""

    def __init__(self) -> None:
        self._called = False
        self._ids: set[str] = set()

    def check(self, where: str, role: str, message: dict[str, Any]) -> list[Finding]:
        """What is wrong with the calls or the answer in this message."""
        findings: list[Finding] = []
        calls = message.get("tool_calls")
        if calls is not None and role and role != "assistant":
            advice = "Move them into the assistant's message."
            findings.append(Finding(f"{where}.tool_calls", f"A {role} message cannot call tools.", advice))
        elif calls is not None:
            findings += self._check_calls(f"{where}.tool_calls", calls)
        if role == "tool":
            findings += self._check_answer(where, message)
        return findings

    @staticmethod
    def size(message: dict[str, Any]) -> int:
        """Bytes of the calls as the model sees them."""
        calls = message.get("tool_calls")
        return len(json.dumps(calls)) if calls else 0

    def _check_calls(self, field: str, calls: Any) -> list[Finding]:
        if not isinstance(calls, list):
            return [Finding(field, f"tool_calls is {kind_of(calls)}, not a list.", f"Write [{_SHAPE}].")]
        self._called = self._called or bool(calls)
        findings = []
        for index, call in enumerate(calls):
            where = f"{field}[{index}]"
            function = call.get("function") if isinstance(call, dict) else None
            if not isinstance(function, dict) or not isinstance(function.get("name"), str):
                findings.append(Finding(where, "The call names no function.", f"Write {_SHAPE}."))
                continue
            findings += self._check_arguments(f"{where}.function.arguments", function.get("arguments", {}))
            if isinstance(call.get("id"), str):
                self._ids.add(call["id"])
        return findings

    @staticmethod
    def _check_arguments(field: str, arguments: Any) -> list[Finding]:
        if isinstance(arguments, dict):
            return []
        if not isinstance(arguments, str):
            return [Finding(field, f"arguments is {kind_of(arguments)}.", "Write an object, or JSON in a text.")]
        try:
            json.loads(arguments or "{}")
        except (ValueError, RecursionError):
            return [Finding(field, "arguments is not valid JSON.", "Write the arguments with a JSON library.")]
        return []

    def _check_answer(self, where: str, message: dict[str, Any]) -> list[Finding]:
        if not self._called:
            advice = "Put an assistant message with tool_calls before it."
            return [Finding(f"{where}.role", "A tool answers, but no tool was called.", advice)]
        call_id = message.get("tool_call_id")
        if isinstance(call_id, str) and self._ids and call_id not in self._ids:
            return [
                Finding(
                    f"{where}.tool_call_id",
                    f"No call before it has the id “{printable(call_id, 60)}”.",
                    "Use the id of the call that this message answers.",
                )
            ]
        return []
