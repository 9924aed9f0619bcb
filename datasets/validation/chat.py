"""The chat format: {"messages": [{"role", "content"}, …]} on each line. Judges one example at a time.

What a trainer needs: known roles, text in every message, a system message only at the start, and an assistant
message at the end, since that is what is learned. Assistant messages may call tools; tool messages answer.
"""

from difflib import get_close_matches
from typing import Any

from datasets.validation.example import Example, Finding, kind_of
from datasets.validation.layouts import LAYOUT, missing_messages
from datasets.validation.problems import printable
from datasets.validation.tool_calls import ToolCalls

ROLES = ("system", "user", "assistant", "tool")
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
    if not isinstance(value, dict):
        return Example((Finding("", f"The line holds {kind_of(value)}, not an object.", LAYOUT),))
    if "messages" not in value:
        return Example((missing_messages(value),))
    messages = value["messages"]
    if not isinstance(messages, list):
        return Example((Finding("messages", f"messages is {kind_of(messages)}, not a list.", LAYOUT),))
    if not messages:
        return Example((Finding("messages", "messages is empty.", LAYOUT),))
    return _examine_messages(messages)


def _examine_messages(messages: list[Any]) -> Example:
    findings: list[Finding] = []
    tool_calls = ToolCalls()
    roles: list[str] = []
    content_bytes = learned_bytes = 0
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        if not isinstance(message, dict):
            findings.append(Finding(where, f"The message is {kind_of(message)}, not an object.", LAYOUT))
            roles.append("")
            continue
        role, fault = _role(where, message)
        roles.append(role)
        findings += fault
        findings += tool_calls.check(where, role, message)
        findings += _content(where, role, message)
        size = _size(message)
        content_bytes += size
        learned_bytes += size if role == "assistant" else 0
    findings += _order(roles)
    return Example(tuple(findings), len(messages), content_bytes, learned_bytes)


def _role(where: str, message: dict[str, Any]) -> tuple[str, list[Finding]]:
    """The message's role, empty if it is none we know, and what is wrong with it."""
    role = message.get("role")
    if isinstance(role, str) and role in ROLES:
        return role, []
    field = f"{where}.role"
    if role is None:
        return "", [Finding(field, "The message has no role.", f"Add one of {', '.join(ROLES)}.")]
    if not isinstance(role, str):
        return "", [Finding(field, f"role is {kind_of(role)}, not text.", f"Use one of {', '.join(ROLES)}.")]
    lowered = role.strip().lower()
    close = [_ALIASES[lowered]] if lowered in _ALIASES else get_close_matches(lowered, ROLES, n=1)
    advice = f"Did you mean “{close[0]}”?" if close else f"Use one of {', '.join(ROLES)}."
    return "", [Finding(field, f"Unknown role “{printable(role, 40)}”.", advice)]


def _content(where: str, role: str, message: dict[str, Any]) -> list[Finding]:
    field, content = f"{where}.content", message.get("content")
    if isinstance(content, str):
        if content.strip() or role == "tool" or message.get("tool_calls"):
            return []
        return [Finding(field, "content is empty.", "Write the text, or remove the example.")]
    if content is None:
        if role == "assistant" and message.get("tool_calls"):
            return []
        if "value" in message:
            return [Finding(field, "The message has no content.", "Rename value to content.")]
        return [Finding(field, "The message has no content.", "Add the text as content.")]
    if isinstance(content, list):
        advice = "Join the text parts into one string; images and audio are not supported."
        return [Finding(field, "content is a list of parts, not text.", advice)]
    return [Finding(field, f"content is {kind_of(content)}, not text.", "Put it in double quotes.")]


def _order(roles: list[str]) -> list[Finding]:
    """Rules about the sequence. Unknown roles were reported already and are not reported again."""
    findings = []
    for index, role in enumerate(roles):
        if role == "system" and index:
            findings.append(
                Finding(
                    f"messages[{index}].role",
                    "The system message is not the first one.",
                    "Move it to the start: templates accept it only there.",
                )
            )
        if role == "user" and index and roles[index - 1] == "user":
            findings.append(
                Finding(
                    f"messages[{index}].role",
                    "Two user messages follow each other.",
                    "Join them: some models' templates refuse this.",
                    is_error=False,
                )
            )
    if "" in roles:
        return findings
    if "assistant" not in roles:
        advice = "Add the answer that is to be learned as an assistant message."
        findings.append(Finding("messages", "There is no assistant message.", advice))
    elif roles[-1] != "assistant":
        findings.append(
            Finding(
                f"messages[{len(roles) - 1}].role",
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
