"""Lines in none of the four layouts: recognises what other tools write, and says how to turn it into one."""

from difflib import get_close_matches
from itertools import islice
from typing import Any

from datasets.validation.problems import Finding, printable

LAYOUT = (
    'Write {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}, '
    "or prompt and completion, conversations (ShareGPT), or instruction and output (Alpaca)."
)

_OTHERS = (
    (
        ("prompt", "chosen"),
        "This is preference data, and only one answer is learned here: rename chosen to completion, drop rejected.",
    ),
    (
        ("chosen", "rejected"),
        "This is preference data, and only one answer is learned here: rename chosen to messages, drop rejected.",
    ),
    (("prompt", "response"), "Rename response to completion."),
    (("instruction", "response"), "Rename response to output, and a context to input."),
    (("question", "answer"), "Rename question to prompt and answer to completion."),
    (("input", "output"), "Rename input to prompt and output to completion."),
    (
        ("role", "content"),
        "This is a single message: put those of a conversation into one list called messages.",
    ),
    (("prompt",), "Add the answer as completion."),
    (("instruction",), "Add the answer as output."),
    (("text",), "Split the text into prompt and completion, or into messages."),
)
MAX_KEYS = 50  # looked at for a misspelling, since a line may have any number
_KEYS = ("messages", "conversations", "prompt", "completion", "instruction", "output")


def unknown_layout(value: dict[str, Any]) -> Finding:
    """The finding for such an object, with the advice that fits what it has."""
    for key in islice(value, MAX_KEYS):
        for close in get_close_matches(key.strip().lower(), _KEYS, n=1, cutoff=0.8):
            if close not in value:
                name = printable(key, 60)
                return Finding(name, f"There is no {close}, but “{name}”.", f"Did you misspell it? Write {close}.")
    for keys, advice in _OTHERS:
        if all(key in value for key in keys):
            return Finding(keys[-1], f"There is only {' and '.join(keys)}: no layout that is known.", advice)
    return Finding("", "There are no messages.", LAYOUT)
