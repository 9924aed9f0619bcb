"""Judges one example at a time, by the messages that its layout stands for.

What a trainer needs: known roles, text in every message, a system message only at the start, and an assistant
message at the end, since that is what is learned. Assistant messages may call tools; tool messages answer.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from datasets.validation.example import Example
from datasets.validation.layouts import Conversation, Turn, read_example
from datasets.validation.problems import Finding, kind_of, printable
from datasets.validation.tool_calls import ToolCalls
from datasets.validation.tools import check_tools
from datasets.validation.unheeded import check_marks
from datasets.validation.unknown_layouts import LAYOUT

_ALIASES = {
    "human": "user",
    "customer": "user",
    "prompt": "user",
    "question": "user",
    "gpt": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "agent": "assistant",
    "answer": "assistant",
    "developer": "system",
    "function": "tool",
    "ipython": "tool",
}


def examine(value: Any) -> Example:
    """Judge one parsed line."""
    conversation = read_example(value)
    if not conversation.turns:
        return Example(conversation.findings, layout=conversation.layout)
    return _examine(conversation, [*check_tools(value.get("tools")), *check_marks(value, value.get("messages"))])


def _examine(conversation: Conversation, other_findings: Sequence[Finding]) -> Example:
    findings = [*conversation.findings, *other_findings]
    tool_calls = ToolCalls()
    roles: list[str] = []
    content_bytes = learned_bytes = 0
    for turn in conversation.turns:
        message = turn.message
        if not isinstance(message, dict):
            findings.append(Finding(turn.where, f"The message is {kind_of(message)}, not an object.", LAYOUT))
            roles.append("")
            continue
        role, fault = _role(turn, conversation.roles)
        roles.append(role)
        findings += fault
        findings += tool_calls.check(turn, role)
        findings += _content(turn, role)
        size = _size(message)
        content_bytes += size
        learned_bytes += size if role == "assistant" else 0
    findings += _order(conversation, roles)
    messages = tuple(turn.message for turn in conversation.turns)
    return Example(tuple(findings), messages, content_bytes, learned_bytes, conversation.layout)


def _role(turn: Turn, known: Mapping[str, str]) -> tuple[str, list[Finding]]:
    """The message's role, empty if it is none of those known, and what is wrong with it."""
    role = turn.message.get("role")
    if isinstance(role, str) and role in known:
        return known[role], []
    field, use = turn.role_field, f"Use one of {', '.join(known)}."
    if role is None:
        return "", [Finding(field, f"The message has no {turn.role_key}.", f"Add one of {', '.join(known)}.")]
    if not isinstance(role, str):
        return "", [Finding(field, f"{turn.role_key} is {kind_of(role)}, not text.", use)]
    lowered = role.strip().lower()
    alias = lowered if lowered in known else _ALIASES.get(lowered)
    close = [alias] if alias else get_close_matches(lowered, known, n=1)
    advice = f"Did you mean “{close[0]}”?" if close else use
    return "", [Finding(field, f"Unknown role “{printable(role, 40)}”.", advice)]


def _content(turn: Turn, role: str) -> list[Finding]:
    message, field, name = turn.message, turn.content_field, turn.content_key
    content = message.get("content")
    if isinstance(content, str):
        if content.strip() or role == "tool" or message.get("tool_calls"):
            return []
        return [Finding(field, f"{name} is empty.", "Write the text, or remove the example.")]
    if content is None:
        if role == "assistant" and message.get("tool_calls"):
            return []
        if "value" in message:
            return [Finding(field, f"The message has no {name}.", f"Rename value to {name}.")]
        return [Finding(field, f"The message has no {name}.", f"Add the text as {name}.")]
    if isinstance(content, list):
        advice = "Join the text parts into one string; images and audio are not supported."
        return [Finding(field, f"{name} is a list of parts, not text.", advice)]
    return [Finding(field, f"{name} is {kind_of(content)}, not text.", "Put it in double quotes.")]


def _order(conversation: Conversation, roles: list[str]) -> list[Finding]:
    """Rules about the sequence. Unknown roles were reported already and are not reported again."""
    findings = []
    turns = conversation.turns
    for index, role in enumerate(roles):
        if role == "system" and index:
            findings.append(
                Finding(
                    turns[index].role_field,
                    "The system message is not the first one.",
                    "Move it to the start: templates accept it only there.",
                )
            )
        if role == "user" and index and roles[index - 1] == "user":
            findings.append(
                Finding(
                    turns[index].role_field,
                    "Two user messages follow each other.",
                    "Join them: some models' templates refuse this.",
                    is_error=False,
                )
            )
    if "" in roles:
        return findings
    if "assistant" not in roles:
        advice = "Add the answer that is to be learned as an assistant message."
        findings.append(Finding(conversation.answers, "There is no assistant message.", advice))
    elif roles[-1] != "assistant":
        findings.append(
            Finding(
                turns[-1].role_field,
                f"The last message is from {roles[-1]}, not from the assistant.",
                "End with the assistant's answer, or remove what follows it.",
            )
        )
    return findings


def _size(message: dict[str, Any]) -> int:
    """UTF-8 bytes of what the model reads or learns in a message: its text, and its tool calls as JSON."""
    content = message.get("content")
    size = len(content.encode("utf-8", "replace")) if isinstance(content, str) else 0
    return size + ToolCalls.size(message)
