"""Files for tests."""

import json
from collections.abc import Iterable
from typing import Any


def chat_line(*messages: tuple[str, str], **extra: Any) -> bytes:
    """One line of a chat file: `chat_line(("user", "Hi"), ("assistant", "Hello"))`."""
    spoken = [{"role": role, "content": content} for role, content in messages]
    return json.dumps({"messages": spoken, **extra}).encode() + b"\n"


def other_layouts(count: int = 60) -> dict[str, bytes]:
    """By format, valid files of `count` different examples that are no chats, with the texts of `chat_file`."""
    pairs = [(f"What is {number} + 1?", f"It is {number + 1}.") for number in range(count)]
    return {
        "prompt_completion": _lines({"prompt": asked, "completion": answer} for asked, answer in pairs),
        "alpaca": _lines({"instruction": asked, "input": "", "output": answer} for asked, answer in pairs),
        "sharegpt": _lines(
            {"conversations": [{"from": "human", "value": asked}, {"from": "gpt", "value": answer}]}
            for asked, answer in pairs
        ),
    }


def _lines(values: Iterable[object]) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def chat_file(count: int = 60) -> bytes:
    """A valid file of `count` different examples."""
    return b"".join(
        chat_line(("user", f"What is {number} + 1?"), ("assistant", f"It is {number + 1}.")) for number in range(count)
    )
