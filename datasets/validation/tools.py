"""Tools as an example describes them, and the arguments of their calls: only their shape."""

import json
from typing import Any

from datasets.validation.problems import Finding, kind_of

_SHAPE = '{"type": "function", "function": {"name": "…", "parameters": {…}}}'


def check_tools(tools: Any) -> list[Finding]:
    """What is wrong with the field `tools` of a line: a list, or a text of JSON as some exports have it."""
    if not tools:
        return []
    advice = f"Write [{_SHAPE}, …]."
    if isinstance(tools, str):
        try:
            tools = json.loads(tools)
        except (ValueError, RecursionError):
            return [Finding("tools", "tools is not valid JSON.", advice)]
    if not isinstance(tools, list):
        return [Finding("tools", f"tools is {kind_of(tools)}, not a list.", advice)]
    return [
        Finding(f"tools[{index}]", "The tool has no name.", f"Write {_SHAPE}.")
        for index, tool in enumerate(tools)
        if not _has_name(tool)
    ]


def check_arguments(field: str, arguments: Any) -> list[Finding]:
    """What is wrong with the arguments of a call: an object, or a text of JSON."""
    if isinstance(arguments, dict):
        return []
    if not isinstance(arguments, str):
        return [Finding(field, f"arguments is {kind_of(arguments)}.", "Write an object, or JSON in a text.")]
    try:
        json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return [Finding(field, "arguments is not valid JSON.", "Write the arguments with a JSON library.")]
    return []


def _has_name(tool: Any) -> bool:
    """Both spellings are in use: with a `function` around it, and without."""
    described = tool.get("function", tool) if isinstance(tool, dict) else None
    return isinstance(described, dict) and isinstance(described.get("name"), str)
