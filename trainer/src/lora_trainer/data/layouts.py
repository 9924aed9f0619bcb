"""Four ways to write an example, turned into one: a conversation that ends with the assistant. Pure.

    chat                {"messages": [{"role", "content", "tool_calls"?}, …], "tools"?: […]}
    prompt/completion   {"prompt": text or messages, "completion": text or messages}
    ShareGPT            {"conversations": [{"from", "value"}, …], "system"?: text}
    Alpaca              {"instruction", "input"?, "output"}

A value that cannot be trained on raises Unusable with the field and the reason: nothing is repaired by guessing.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]

ROLES = ("system", "user", "assistant", "tool")
_SHARE_GPT_ROLES = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "model": "assistant",
    "chatgpt": "assistant",
    "tool": "tool",
    "observation": "tool",
    "function_response": "tool",
    "function_call": "assistant",
}


class Unusable(Exception):
    """Why an example cannot be trained on."""


@dataclass(frozen=True)
class Conversation:
    """`line` is where it stands in its file, from 1."""

    line: int
    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...] = ()


def read_example(line: int, value: Any) -> Conversation:
    """The conversation that this line's JSON value stands for; raises Unusable."""
    if not isinstance(value, dict):
        raise Unusable("the line is not a JSON object")
    if "messages" in value and "conversations" in value:
        raise Unusable("both messages and conversations: it is not clear which one is to be learned")
    for keys, read in _LAYOUTS:
        if all(key in value for key in keys):
            return Conversation(line, tuple(_check(read(value))), _tools(value))
    raise Unusable(
        f"none of the known layouts: its keys are {', '.join(sorted(map(str, value))[:8]) or 'none'}; "
        "write messages, prompt and completion, conversations, or instruction and output"
    )


def _chat(value: Mapping[str, Any]) -> list[Message]:
    return _list("messages", value["messages"])


def _prompt_completion(value: Mapping[str, Any]) -> list[Message]:
    prompt, completion = value["prompt"], value["completion"]
    if isinstance(prompt, str) and isinstance(completion, str):
        return [{"role": "user", "content": prompt}, {"role": "assistant", "content": completion}]
    return _list("prompt", prompt) + _list("completion", completion)


def _share_gpt(value: Mapping[str, Any]) -> list[Message]:
    messages: list[Message] = []
    if isinstance(value.get("system"), str) and value["system"].strip():
        messages.append({"role": "system", "content": value["system"]})
    for index, turn in enumerate(_list("conversations", value["conversations"])):
        where = f"conversations[{index}]"
        name = turn.get("from", turn.get("role"))
        role = _SHARE_GPT_ROLES.get(name) if isinstance(name, str) else None
        if role is None:
            raise Unusable(f"{where}.from is {name!r}, not one of {', '.join(_SHARE_GPT_ROLES)}")
        text = turn.get("value", turn.get("content"))
        messages.append(_called(where, text) if name == "function_call" else {"role": role, "content": text})
    return messages


def _called(where: str, text: Any) -> Message:
    try:
        call = json.loads(text)
        name, arguments = call["name"], call.get("arguments", {})
    except (TypeError, ValueError, KeyError, RecursionError):
        raise Unusable(f'{where}.value must be JSON {{"name", "arguments"}}') from None
    return {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"type": "function", "function": {"name": name, "arguments": arguments}}],
    }


def _alpaca(value: Mapping[str, Any]) -> list[Message]:
    for key in ("instruction", "output"):
        if not isinstance(value[key], str):
            raise Unusable(f"{key} is not a text")
    if not isinstance(value.get("input"), str | None):
        raise Unusable("input is not a text")
    system = [{"role": "system", "content": value["system"]}] if value.get("system") else []
    extra = value.get("input") or ""
    question = f"{value['instruction']}\n\n{extra}" if extra.strip() else value["instruction"]
    return [*system, {"role": "user", "content": question}, {"role": "assistant", "content": value["output"]}]


_LAYOUTS: tuple[tuple[tuple[str, ...], Callable[[Mapping[str, Any]], list[Message]]], ...] = (
    (("messages",), _chat),
    (("conversations",), _share_gpt),
    (("prompt", "completion"), _prompt_completion),
    (("instruction", "output"), _alpaca),
)


def _list(name: str, value: Any) -> list[Message]:
    if not isinstance(value, list) or not value:
        raise Unusable(f"{name} is not a list with at least one message")
    for index, each in enumerate(value):
        if not isinstance(each, dict):
            raise Unusable(f"{name}[{index}] is not an object")
    return value


def _check(messages: list[Message]) -> list[Message]:
    """The messages with what templates need: known roles, text, parsed tool arguments, an answer at the end."""
    called = False
    checked = []
    for index, message in enumerate(messages):
        where, role, content = f"messages[{index}]", message.get("role"), message.get("content")
        calls = message.get("tool_calls")
        if role not in ROLES:
            raise Unusable(f"{where}.role is {role!r}, not one of {', '.join(ROLES)}")
        if role == "system" and index:
            raise Unusable(f"{where}: the system message is not the first one")
        if calls and role != "assistant":
            raise Unusable(f"{where}.tool_calls: a {role} message cannot call tools")
        if content is None and not calls:
            raise Unusable(f"{where}.content is missing")
        if content is not None and not isinstance(content, str):
            raise Unusable(f"{where}.content is not a text")
        if not (content or "").strip() and role != "tool" and not calls:
            raise Unusable(f"{where}.content is empty")
        if role == "tool" and not called:
            raise Unusable(f"{where}: a tool answers, but no tool was called")
        called = called or bool(calls)
        whole = {key: each for key, each in message.items() if key != "tool_calls"} | {"content": content or ""}
        # No calls, written as null or [], are none: templates that ask for the key alone would stumble over it.
        checked.append(whole | {"tool_calls": _calls(where, calls)} if calls else whole)
    if checked[-1]["role"] != "assistant":
        raise Unusable(f"the last message is from {checked[-1]['role']}, not from the assistant")
    return checked


def _calls(where: str, calls: Any) -> list[dict[str, Any]]:
    """Tool calls with their arguments as objects, since that is what chat templates print."""
    if not isinstance(calls, list):
        raise Unusable(f"{where}.tool_calls is not a list")
    whole = []
    for index, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise Unusable(f"{where}.tool_calls[{index}] names no function")
        arguments = function.get("arguments", {})
        try:
            arguments = json.loads(arguments or "{}") if isinstance(arguments, str) else arguments
        except (ValueError, RecursionError):
            raise Unusable(f"{where}.tool_calls[{index}].function.arguments is not valid JSON") from None
        whole.append(call | {"function": function | {"arguments": arguments}})
    return whole


def _tools(value: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    tools = value.get("tools") or []
    if isinstance(tools, str):
        try:
            tools = json.loads(tools)
        except (ValueError, RecursionError):
            raise Unusable("tools is not valid JSON") from None
    if not isinstance(tools, list):
        raise Unusable("tools is not a list")
    for index, tool in enumerate(tools):
        described = tool.get("function", tool) if isinstance(tool, dict) else None
        if not isinstance(described, dict) or not isinstance(described.get("name"), str):
            raise Unusable(f"tools[{index}] has no name")
    return tuple(tools)
