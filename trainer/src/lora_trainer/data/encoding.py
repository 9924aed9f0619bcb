"""Passages as token ids with labels, cut to the maximum length; every token that is lost is counted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lora_trainer.data.layouts import Conversation, Unusable
from lora_trainer.data.reading import Skipped
from lora_trainer.data.rendering import Passage, Renderer

IGNORED = -100  # the label of a token without loss


@dataclass(frozen=True)
class TokenSequence:
    """Token ids, and as labels the same ids where they are to be learned, else IGNORED. Equally long."""

    input_ids: list[int]
    labels: list[int]

    @property
    def learned(self) -> int:
        return sum(label != IGNORED for label in self.labels)


@dataclass
class Encoded:
    """All sequences of one file, and what became of the others. Token counts are of one pass."""

    sequences: list[TokenSequence] = field(default_factory=list)
    conversations: list[Conversation] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    truncated: int = 0
    without_loss: int = 0
    lost_tokens: int = 0
    lost_learned_tokens: int = 0
    unrolled: int = 0
    lengths: list[int] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        return sum(len(sequence.input_ids) for sequence in self.sequences)

    @property
    def learned(self) -> int:
        return sum(sequence.learned for sequence in self.sequences)


def encode(
    file: str, conversations: Iterable[Conversation], tokenizer: Any, renderer: Renderer, max_length: int
) -> Encoded:
    """Renders, tokenizes and cuts. An example that the template refuses is skipped with its reason; one that
    loses its last token with loss to the cut is dropped and counted in `without_loss`."""
    encoded = Encoded()
    for conversation in conversations:
        try:
            passages = renderer.passages(conversation)
            sequences = [_tokenize(passage, tokenizer) for passage in passages]
        except Unusable as reason:
            encoded.skipped.append(Skipped(file, conversation.line, str(reason)))
            continue
        encoded.unrolled += len(sequences) > 1
        kept = [cut for sequence in sequences if (cut := _cut(sequence, max_length, encoded)).learned]
        encoded.truncated += any(len(sequence.input_ids) > max_length for sequence in sequences)
        if kept:
            encoded.conversations.append(conversation)
            encoded.sequences += kept
        else:
            encoded.without_loss += 1
    return encoded


def _cut(sequence: TokenSequence, max_length: int, encoded: Encoded) -> TokenSequence:
    """Keeps the beginning: an answer without its question would teach the wrong thing."""
    encoded.lengths.append(len(sequence.input_ids))
    if len(sequence.input_ids) <= max_length:
        return sequence
    cut = TokenSequence(sequence.input_ids[:max_length], sequence.labels[:max_length])
    encoded.lost_tokens += len(sequence.input_ids) - max_length
    encoded.lost_learned_tokens += sequence.learned - cut.learned
    return cut


def _tokenize(passage: Passage, tokenizer: Any) -> TokenSequence:
    """Raises Unusable when a token would reach from the context into the answer whatever we do."""
    whole = tokenizer(passage.text, add_special_tokens=False, return_offsets_mapping=True)
    ids, offsets = list(whole["input_ids"]), whole["offset_mapping"]
    if _on_token_borders(passage.spans, offsets):
        learned = [any(start <= a and b <= end for start, end in passage.spans) for a, b in offsets]
        return _labelled(ids, learned)
    # Generation starts from a prompt that ends at the border, so cut there as it does.
    ids, learned = [], []
    for text, is_learned in _pieces(passage):
        piece = tokenizer(text, add_special_tokens=False)["input_ids"]
        ids += piece
        learned += [is_learned] * len(piece)
    if tokenizer.decode(ids, clean_up_tokenization_spaces=False) != passage.text:
        raise Unusable("the tokenizer joins the end of the question and the beginning of the answer")
    return _labelled(ids, learned)


def _on_token_borders(spans: Sequence[tuple[int, int]], offsets: Sequence[tuple[int, int]]) -> bool:
    """Whether no token crosses an end of a span."""
    edges = {edge for span in spans for edge in span}
    return not any(a < edge < b for a, b in offsets for edge in edges)


def _pieces(passage: Passage) -> Iterable[tuple[str, bool]]:
    position = 0
    for start, end in passage.spans:
        yield passage.text[position:start], False
        yield passage.text[start:end], True
        position = end


def _labelled(ids: list[int], learned: list[bool]) -> TokenSequence:
    labels = [token if is_learned else IGNORED for token, is_learned in zip(ids, learned, strict=True)]
    labels[0] = IGNORED  # nothing comes before it that could predict it
    return TokenSequence(ids, labels)
