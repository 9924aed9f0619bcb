"""Four ways to write an example, turned into the messages that `chat` judges; each keeps its own field names.

    chat                {"messages": [{"role", "content", "tool_calls"?}, …]}
    ShareGPT            {"conversations": [{"from", "value"}, …], "system"?: text}
    prompt/completion   {"prompt": text or messages, "completion": text or messages}
    Alpaca              {"instruction", "input"?, "output", "system"?}

The trainer turns the same lines into the same messages (trainer/src/lora_trainer/data/layouts.py); none imports the
other.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from datasets.validation.problems import Finding, kind_of
from datasets.validation.tools import check_arguments
from datasets.validation.unknown_layouts import LAYOUT, unknown_layout

ROLES = {role: role for role in ("system", "user", "assistant", "tool")}
SHARE_GPT_ROLES = ROLES | {
    "human": "user",
    "gpt": "assistant",
    "model": "assistant",
    "chatgpt": "assistant",
    "function_call": "assistant",
    "observation": "tool",
    "function_response": "tool",
}


class Layout(StrEnum):
    CHAT = "chat"
    SHAREGPT = "sharegpt"
    PROMPT_COMPLETION = "prompt_completion"
    ALPACA = "alpaca"


LABELS = {
    Layout.CHAT: "chat",
    Layout.SHAREGPT: "ShareGPT",
    Layout.PROMPT_COMPLETION: "prompt/completion",
    Layout.ALPACA: "Alpaca",
}


class Turn(NamedTuple):
    """A message as the checks know it, and how the line calls it: `where` is empty for a text of its own."""

    message: Any
    where: str
    content_key: str = "content"
    role_key: str = "role"

    @property
    def content_field(self) -> str:
        return f"{self.where}.{self.content_key}" if self.where else self.content_key

    @property
    def role_field(self) -> str:
        return f"{self.where}.{self.role_key}" if self.where else self.content_key


@dataclass(frozen=True, slots=True)
class Conversation:
    """`answers` is the field where the assistant's messages are expected. Without turns the findings say why."""

    layout: Layout | None
    answers: str = ""
    turns: tuple[Turn, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def roles(self) -> Mapping[str, str]:
        """The names that its layout has for the roles of messages."""
        return SHARE_GPT_ROLES if self.layout is Layout.SHAREGPT else ROLES


def read_example(value: Any) -> Conversation:
    """The messages that a parsed line stands for, unjudged: their roles and contents may be anything."""
    if not isinstance(value, dict):
        return _refused(None, Finding("", f"The line holds {kind_of(value)}, not an object.", LAYOUT))
    if "messages" in value and "conversations" in value:
        advice = "Keep one of them: it is not clear which one is to be learned."
        return _refused(None, Finding("conversations", "There are both messages and conversations.", advice))
    for layout, keys, read in _READERS:
        if all(key in value for key in keys):
            return read(layout, value)
    return _refused(None, unknown_layout(value))


def _chat(layout: Layout, value: dict[str, Any]) -> Conversation:
    turns, fault = _turns("messages", value["messages"])
    return _refused(layout, fault) if fault else Conversation(layout, "messages", turns)


def _share_gpt(layout: Layout, value: dict[str, Any]) -> Conversation:
    listed, fault = _turns("conversations", value["conversations"])
    if fault:
        return _refused(layout, fault)
    system = value.get("system")
    turns = [_text("system", "system", system)] if isinstance(system, str) and system.strip() else []
    findings: list[Finding] = []
    for turn in listed:
        read, faults = _share_gpt_turn(turn)
        turns.append(read)
        findings += faults
    return Conversation(layout, "conversations", tuple(turns), tuple(findings))


def _share_gpt_turn(turn: Turn) -> tuple[Turn, list[Finding]]:
    told = turn.message
    if not isinstance(told, dict):
        return turn, []
    role_key = "role" if "role" in told and "from" not in told else "from"
    content_key = "content" if "content" in told and "value" not in told else "value"
    name, text = told.get(role_key), told.get(content_key)
    if name == "function_call":
        message, findings = _function_call(f"{turn.where}.{content_key}", text)
    else:
        role = SHARE_GPT_ROLES.get(name, name) if isinstance(name, str) else name
        message, findings = {"role": role, "content": text}, []
    return Turn(message, turn.where, content_key, role_key), findings


def _function_call(field: str, text: Any) -> tuple[dict[str, Any], list[Finding]]:
    """The assistant's message that calls the function; one with findings stands in for it, so that an answer to the
    call is not faulted as well."""
    findings = []
    try:
        call = json.loads(text)
        name, arguments = call["name"], call.get("arguments", {})
    except (TypeError, ValueError, KeyError, RecursionError):
        name, arguments = None, {}
    if isinstance(name, str):
        findings = check_arguments(field, arguments)
    else:
        advice = 'Write {"name": "…", "arguments": {…}} as a text.'
        findings = [Finding(field, "The function_call names no function as JSON.", advice)]
    function = {"name": name, "arguments": arguments}
    calls = [{"type": "function", "function": {"name": "", "arguments": {}} if findings else function}]
    return {"role": "assistant", "content": "", "tool_calls": calls}, findings


def _prompt_completion(layout: Layout, value: dict[str, Any]) -> Conversation:
    prompt, completion = value["prompt"], value["completion"]
    if isinstance(prompt, str) and isinstance(completion, str):
        turns = (_text("prompt", "user", prompt), _text("completion", "assistant", completion))
        return Conversation(layout, "completion", turns)
    for name, part in (("prompt", prompt), ("completion", completion)):
        if not isinstance(part, str | list):
            advice = "Write it as a text, or as a list of messages."
            return _refused(layout, Finding(name, f"{name} is {kind_of(part)}.", advice))
    if type(prompt) is not type(completion):
        error = f"prompt is {kind_of(prompt)}, but completion is {kind_of(completion)}."
        return _refused(layout, Finding("completion", error, "Write both as texts, or both as lists of messages."))
    asked, fault = _turns("prompt", prompt)
    answered, other_fault = _turns("completion", completion)
    if fault or other_fault:
        return _refused(layout, *filter(None, (fault, other_fault)))
    return Conversation(layout, "completion", asked + answered)


def _alpaca(layout: Layout, value: dict[str, Any]) -> Conversation:
    given = {key: value.get(key) for key in ("instruction", "input", "output")}
    findings = [
        Finding(key, f"{key} is {kind_of(text)}, not text.", "Put it in double quotes.")
        for key, text in given.items()
        if not isinstance(text, str) and (text is not None or key != "input")
    ]
    if findings:
        return _refused(layout, *findings)
    question, extra = given["instruction"], given["input"] or ""
    if extra.strip():
        question = f"{question}\n\n{extra}"
    system = (_text("system", "system", value["system"]),) if value.get("system") else ()
    turns = (*system, _text("instruction", "user", question), _text("output", "assistant", given["output"]))
    return Conversation(layout, "output", turns)


_READERS: tuple[tuple[Layout, tuple[str, ...], Callable[[Layout, dict[str, Any]], Conversation]], ...] = (
    (Layout.CHAT, ("messages",), _chat),
    (Layout.SHAREGPT, ("conversations",), _share_gpt),
    (Layout.PROMPT_COMPLETION, ("prompt", "completion"), _prompt_completion),
    (Layout.ALPACA, ("instruction", "output"), _alpaca),
)


def _text(key: str, role: str, content: Any) -> Turn:
    """A message whose content is a field of the line itself."""
    return Turn({"role": role, "content": content}, "", key)


def _turns(name: str, value: Any) -> tuple[tuple[Turn, ...], Finding | None]:
    """The entries of a list of messages; or why there are none."""
    if not isinstance(value, list):
        return (), Finding(name, f"{name} is {kind_of(value)}, not a list.", LAYOUT)
    if not value:
        return (), Finding(name, f"{name} is empty.", LAYOUT)
    return tuple(Turn(each, f"{name}[{index}]") for index, each in enumerate(value)), None


def _refused(layout: Layout | None, *findings: Finding) -> Conversation:
    return Conversation(layout, findings=findings)
