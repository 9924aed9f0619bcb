"""Loss on every assistant turn and its end, and on nothing else; what is cut is counted."""

from typing import Any

import pytest

import tiny
from lora_trainer.data.encoding import IGNORED, encode
from lora_trainer.data.layouts import Conversation, Unusable, read_example
from lora_trainer.data.rendering import Renderer
from lora_trainer.model.tokenizing import PLAIN_TEMPLATE

TWO_TURNS = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "How many?"},
        {"role": "assistant", "content": "Five ✓ lines.\n"},
        {"role": "user", "content": "And now?"},
        {"role": "assistant", "content": "Six."},
    ]
}
# Like templates of reasoning models: it drops what earlier answers thought.
REWRITING = tiny.CHATML.replace(
    "message['content'] +", "(message['content'] if loop.last else message['content'].split('|')[-1]) +"
)
# What it prints first depends on all that follows, so no beginning of it is ever the same.
UNKNOWABLE = "{{ messages[-1]['content'] }}|" + tiny.CHATML


def learned(value: dict[str, Any], tokenizer: Any) -> list[str]:
    """The texts with loss, one per stretch, over all sequences of the example."""
    encoded = encode("dataset", [read_example(1, value)], tokenizer, Renderer(tokenizer), 4096)
    assert not encoded.skipped, encoded.skipped
    texts = []
    for sequence in encoded.sequences:
        stretch: list[int] = []
        for token, label in zip(sequence.input_ids, [*sequence.labels[:], IGNORED], strict=False):
            assert label in (IGNORED, token)
            if label != IGNORED:
                stretch.append(token)
            elif stretch:
                texts.append(tokenizer.decode(stretch))
                stretch = []
        if stretch:
            texts.append(tokenizer.decode(stretch))
    return texts


@pytest.mark.parametrize(
    "value",
    [
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]},
        {"prompt": "Hi", "completion": "Hello"},
        {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]},
        {"instruction": "Hi", "output": "Hello"},
    ],
)
def test_every_layout_is_learned_alike(value: dict[str, Any]) -> None:
    assert learned(value, tiny.make_tokenizer()) == ["Hello<|im_end|>"]


def test_every_assistant_turn_is_learned_with_its_end() -> None:
    assert learned(TWO_TURNS, tiny.make_tokenizer()) == ["Five ✓ lines.\n<|im_end|>", "Six.<|im_end|>"]


def test_an_assistant_that_speaks_first_is_learned_too() -> None:
    value = {"messages": [{"role": "assistant", "content": "Welcome."}]}
    assert learned(value, tiny.make_tokenizer()) == ["Welcome.<|im_end|>"]


def test_the_plain_template_ends_answers_with_the_end_token() -> None:
    assert learned(TWO_TURNS, tiny.make_tokenizer(PLAIN_TEMPLATE)) == ["Five ✓ lines.\n<|im_end|>", "Six.<|im_end|>"]


def test_a_template_that_rewrites_earlier_turns_gets_a_sequence_per_answer() -> None:
    value = {
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "thinking|Hello"},
            {"role": "user", "content": "Again"},
            {"role": "assistant", "content": "thinking|Yes"},
        ]
    }
    assert learned(value, tiny.make_tokenizer(REWRITING)) == ["thinking|Hello<|im_end|>", "thinking|Yes<|im_end|>"]


def test_a_template_that_cannot_be_masked_is_an_error_that_says_so() -> None:
    value = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    with pytest.raises(Unusable, match="does not let us tell what the assistant says"):
        Renderer(tiny.make_tokenizer(UNKNOWABLE)).passages(read_example(1, value))


def test_a_template_without_tools_refuses_an_example_with_them() -> None:
    call = {"function": {"name": "weather", "arguments": {}}}
    value = {
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "content": "sunny"},
            {"role": "assistant", "content": "Sunny."},
        ]
    }
    with pytest.raises(Unusable, match="does not print tools, but tool weather is used"):
        Renderer(tiny.make_tokenizer()).passages(read_example(1, value))


def test_a_long_example_loses_its_end_and_the_loss_is_counted() -> None:
    tokenizer = tiny.make_tokenizer()
    conversation = read_example(1, {"prompt": "Hi", "completion": "7" * 100})
    whole = encode("dataset", [conversation], tokenizer, Renderer(tokenizer), 4096)
    cut = encode("dataset", [conversation], tokenizer, Renderer(tokenizer), 64)
    assert len(cut.sequences[0].input_ids) == 64
    assert cut.sequences[0].input_ids == whole.sequences[0].input_ids[:64]
    assert (cut.truncated, cut.lost_tokens) == (1, whole.tokens - 64)
    assert cut.lost_learned_tokens == whole.learned - cut.learned == cut.lost_tokens


def test_an_example_whose_answer_is_cut_away_is_left_out_and_counted() -> None:
    tokenizer = tiny.make_tokenizer()
    conversations: list[Conversation] = [
        read_example(1, {"prompt": "7" * 100, "completion": "Hi"}),
        read_example(2, {"prompt": "Hi", "completion": "Hello"}),
    ]
    encoded = encode("dataset", conversations, tokenizer, Renderer(tokenizer), 64)
    assert (len(encoded.sequences), encoded.without_loss, encoded.truncated) == (1, 1, 1)
