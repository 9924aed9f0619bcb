"""Files for tests."""

import json
from typing import Any


def chat_line(*messages: tuple[str, str], **extra: Any) -> bytes:
    """One line of a chat file: `chat_line(("user", "Hi"), ("assistant", "Hello"))`."""
    spoken = [{"role": role, "content": content} for role, content in messages]
    return json.dumps({"messages": spoken, **extra}).encode() + b"\n"


def chat_file(count: int = 60) -> bytes:
    """A valid file of `count` different examples."""
    return b"".join(
        chat_line(("user", f"What is {number} + 1?"), ("assistant", f"It is {number + 1}.")) for number in range(count)
    )
