"""Tool calls inside a conversation: their shape, and that every answer has a call before it."""

import json
from typing import Any

from datasets.validation.layouts import Turn
from datasets.validation.problems import Finding, kind_of, printable
from datasets.validation.tools import check_arguments

_SHAPE = '{"id": "…", "type": "function", "function": {"name": "…", "arguments": "{…}"}}'


class ToolCalls:
    """Follows one conversation: `check` is called with its messages in order. No calls, written as null or [], are
    none."""

    def __init__(self) -> None:
        self._called = False
        self._ids: set[str] = set()

    def check(self, turn: Turn, role: str) -> list[Finding]:
        """What is wrong with the calls or the answer in this message."""
        findings: list[Finding] = []
        calls = turn.message.get("tool_calls")
        if calls and role and role != "assistant":
            advice = "Move them into the assistant's message."
            findings.append(Finding(f"{turn.where}.tool_calls", f"A {role} message cannot call tools.", advice))
        elif calls:
            findings += self._check_calls(f"{turn.where}.tool_calls", calls)
        if role == "tool":
            findings += self._check_answer(turn)
        return findings

    @staticmethod
    def size(message: dict[str, Any]) -> int:
        """Bytes of the calls as the model sees them."""
        calls = message.get("tool_calls")
        return len(json.dumps(calls)) if calls else 0

    def _check_calls(self, field: str, calls: Any) -> list[Finding]:
        if not isinstance(calls, list):
            return [Finding(field, f"tool_calls is {kind_of(calls)}, not a list.", f"Write [{_SHAPE}].")]
        self._called = True
        findings = []
        for index, call in enumerate(calls):
            where = f"{field}[{index}]"
            function = call.get("function") if isinstance(call, dict) else None
            if not isinstance(function, dict) or not isinstance(function.get("name"), str):
                findings.append(Finding(where, "The call names no function.", f"Write {_SHAPE}."))
                continue
            findings += check_arguments(f"{where}.function.arguments", function.get("arguments", {}))
            if isinstance(call.get("id"), str):
                self._ids.add(call["id"])
        return findings

    def _check_answer(self, turn: Turn) -> list[Finding]:
        if not self._called:
            advice = "Put the assistant's call before it: tool_calls, or in ShareGPT a function_call."
            return [Finding(turn.role_field, "A tool answers, but no tool was called.", advice)]
        call_id = turn.message.get("tool_call_id")
        if isinstance(call_id, str) and self._ids and call_id not in self._ids:
            return [
                Finding(
                    f"{turn.where}.tool_call_id",
                    f"No call before it has the id “{printable(call_id, 60)}”.",
                    "Use the id of the call that this message answers.",
                )
            ]
        return []
