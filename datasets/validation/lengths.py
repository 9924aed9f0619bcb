"""How long the examples are: a histogram of bounded size, and what a maximum length takes from it.

Buckets grow by an eighth of an octave (9 %), so 200 of them reach from one token to thirty million; each keeps the
exact sums of its examples. Only the bucket that a limit runs through is approximated: its examples count as equally
long.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

STEPS_PER_OCTAVE = 8
BUCKETS = 200
_BAR = STEPS_PER_OCTAVE // 2
BAR_OCTAVES = _BAR / STEPS_PER_OCTAVE
BYTES_PER_TOKEN = 4


def estimated_tokens(size: int) -> int:
    """For so many bytes of text, rounded up."""
    return -(-size // BYTES_PER_TOKEN)


@dataclass
class Bucket:
    """Sums over its examples; `learned` are the tokens of assistants, those with loss."""

    examples: int = 0
    tokens: int = 0
    learned: int = 0


@dataclass(frozen=True)
class Cut:
    """One pass over all examples, each cut to a maximum length: its beginning is kept, its end is `lost`.

    `cut_examples` counts all that lose something, `dropped` those of them that lose every token with loss: nothing
    of them is trained. `tokens` and `learned` are what remains.
    """

    examples: int
    tokens: int
    learned: int
    lost: int
    lost_learned: int
    cut_examples: int
    dropped: int
    longest: int


@dataclass
class Lengths:
    """The histogram. `longest` is the longest example in tokens."""

    buckets: dict[int, Bucket] = field(default_factory=dict)
    longest: int = 0

    def add(self, tokens: int, learned: int) -> None:
        """Count one example."""
        bucket = self.buckets.setdefault(_index(tokens), Bucket())
        bucket.examples += 1
        bucket.tokens += tokens
        bucket.learned += learned
        self.longest = max(self.longest, tokens)

    def cut(self, max_length: int, *, scale: float = 1.0) -> Cut:
        """What is left of each example at `max_length` tokens; `scale` corrects an estimate of lengths beforehand.

        The end of an example is lost first, and there the answers are: so lost tokens count as answers first.
        """
        parts = [_cut_bucket(bucket, max_length, scale) for bucket in self.buckets.values()]
        return Cut(
            examples=sum(part.examples for part in parts),
            tokens=sum(part.tokens for part in parts),
            learned=sum(part.learned for part in parts),
            lost=sum(part.lost for part in parts),
            lost_learned=sum(part.lost_learned for part in parts),
            cut_examples=sum(part.cut_examples for part in parts),
            dropped=sum(part.dropped for part in parts),
            longest=min(max_length, math.ceil(self.longest * scale)),
        )

    def quantile(self, share: float) -> int:
        """Tokens that this share of the examples (0 to 1) does not exceed: the mean of the bucket that it ends in, so
        9 % off at most. 0 without examples."""
        wanted = share * sum(bucket.examples for bucket in self.buckets.values())
        counted = 0
        for _, bucket in sorted(self.buckets.items()):
            counted += bucket.examples
            if counted >= wanted:
                return round(bucket.tokens / bucket.examples)
        return 0

    def octaves(self) -> list[tuple[float, int]]:
        """(log2 of the tokens at the beginning, examples) of each bar of a histogram, every half octave in order from
        the shortest to the longest, empty ones too."""
        bars: dict[int, int] = {}
        for index, bucket in self.buckets.items():
            bars[index // _BAR] = bars.get(index // _BAR, 0) + bucket.examples
        if not bars:
            return []
        return [(bar * _BAR / STEPS_PER_OCTAVE, bars.get(bar, 0)) for bar in range(min(bars), max(bars) + 1)]

    def as_json(self) -> dict[str, Any]:
        """{"longest", "buckets": [[index, examples, tokens, learned], …]} in order of length."""
        rows = [[index, each.examples, each.tokens, each.learned] for index, each in sorted(self.buckets.items())]
        return {"longest": self.longest, "buckets": rows}


def read(stored: Mapping[str, Any]) -> Lengths | None:
    """What `as_json` wrote; None for a dataset that was validated before lengths were kept ({})."""
    rows: Iterable[tuple[int, int, int, int]] = stored.get("buckets") or ()
    buckets = {index: Bucket(examples, tokens, learned) for index, examples, tokens, learned in rows}
    return Lengths(buckets, stored["longest"]) if buckets else None


def _index(tokens: int) -> int:
    return min(BUCKETS - 1, int(math.log2(max(tokens, 1)) * STEPS_PER_OCTAVE))


def _cut_bucket(bucket: Bucket, max_length: int, scale: float) -> Cut:
    tokens, learned = round(bucket.tokens * scale), round(bucket.learned * scale)
    lost = max(0, tokens - bucket.examples * max_length)
    if not lost:
        return Cut(bucket.examples, tokens, learned, 0, 0, 0, 0, 0)
    lost_learned = min(lost, learned)
    if lost_learned == learned:
        return Cut(bucket.examples, 0, 0, tokens, learned, bucket.examples, bucket.examples, 0)
    kept = tokens - lost
    return Cut(bucket.examples, kept, learned - lost_learned, lost, lost_learned, bucket.examples, 0, 0)
