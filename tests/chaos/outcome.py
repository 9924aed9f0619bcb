"""What a run of chaos came to, in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.audit import DUPLICATE, REMAINING, Audit, table
from tests.chaos.people import Ledger


@dataclass
class Outcome:
    """What a run came to."""

    audit: Audit
    ledger: Ledger
    deaths: Mapping[str, int]
    recoveries: Mapping[str, list[float]]
    seconds: float
    diary: Path
    sizes: tuple[Mapping[str, tuple[int, int]], Mapping[str, tuple[int, int]]]
    is_quiet: bool

    @property
    def is_good(self) -> bool:
        return self.audit.is_good and not self.ledger.refusals

    def report(self) -> Iterator[str]:
        """The table, what is wrong and where to look, and the two lines."""
        yield from table(self.audit.lines)
        failures = sum(self.ledger.failures.values())
        kinds = ", ".join(f"{kind} {number}" for kind, number in sorted(self.ledger.failures.items()))
        yield f"  requests asked again: {failures}{f' ({kinds})' if kinds else ''}"
        yield f"  slowest request: {self.ledger.slowest_s:.1f} s ({self.ledger.slowest})"
        yield f"  processes that ended by themselves: {dict(self.deaths) or 'none'}"
        before, after = self.sizes
        yield "  megabytes and threads, before and after (a process that was killed began anew):"
        for name in before:
            yield f"    {name:<24} {'{} MB {}'.format(*before[name]):>10} {'{} MB {}'.format(*after[name]):>10}"
        yield f"  wall clock: {self.seconds:.0f} s"
        if self.recoveries:
            yield "  seconds from the end of a trouble until a job was heard of again (the first time, longest, times):"
        for name, all_ in sorted(self.recoveries.items()):
            yield f"    {name:<24} {all_[0]:6.1f} {max(all_):6.1f} {len(all_):4d}"
        for finding in self.audit.findings:
            yield f"{finding.kind.upper()}: {finding.what}"
        for refusal in self.ledger.refusals:
            yield f"REFUSED: {refusal}"
        if not self.is_good:
            yield f"What was done when is in {self.diary}; each process's log lies beside it in logs/."
        yield f"Remaining unprocessed: {self.audit.count(REMAINING)}"
        yield f"Duplicates found: {self.audit.count(DUPLICATE)}"
