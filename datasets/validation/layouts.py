"""Recognises examples written for other tools, and says how to turn them into chat messages."""

from difflib import get_close_matches
from typing import Any

from datasets.validation.example import Finding

LAYOUT = 'Write {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}.'

_OTHERS = (
    (
        ("conversations",),
        "This is the ShareGPT layout: rename conversations to messages, from to role, value to content, "
        "human to user and gpt to assistant.",
    ),
    (
        ("prompt", "completion"),
        "Make prompt a user message and completion an assistant message.",
    ),
    (
        ("prompt", "chosen"),
        "This is preference data: make prompt a user message and chosen an assistant message.",
    ),
    (
        ("instruction", "output"),
        "Make instruction (and input) a user message and output an assistant message.",
    ),
    (
        ("question", "answer"),
        "Make question a user message and answer an assistant message.",
    ),
    (
        ("input", "output"),
        "Make input a user message and output an assistant message.",
    ),
    (
        ("role", "content"),
        "This is a single message: put the messages of a conversation into one list called messages.",
    ),
    (
        ("text",),
        "Split the text into user and assistant messages.",
    ),
)


def missing_messages(value: dict[str, Any]) -> Finding:
    """The finding for an object without `messages`, with the advice that fits what it has instead."""
    for keys, advice in _OTHERS:
        if all(key in value for key in keys):
            return Finding("messages", f"There is no messages, but {' and '.join(keys)}.", advice)
    for key in value:
        if get_close_matches(key.strip().lower(), ["messages"], n=1, cutoff=0.8):
            return Finding("messages", "There is no messages.", "Did you misspell it? It is all lower case.")
    return Finding("messages", "There is no messages.", LAYOUT)
