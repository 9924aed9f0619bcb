"""A fault that is planted on purpose."""

from dataclasses import dataclass


class Moved(AssertionError):
    """The text that a fault replaces is not where it was."""


@dataclass(frozen=True)
class Fault:
    """One tiny change of one file that takes a promise's mechanism out.

    `name` says what is missing then, `mechanism` what keeps the promise, `proofs` are the tests that have to fail,
    each by an assertion of its own. `database` is what they run on: sqlite or postgresql.
    """

    name: str
    promise: str
    mechanism: str
    file: str
    old: str
    new: str
    proofs: tuple[str, ...]
    database: str = "sqlite"

    def planted(self, text: str) -> str:
        """The file's text with the fault in it. Raises Moved, with what to do, unless it fits in exactly once."""
        found = text.count(self.old)
        if found != 1:
            raise Moved(
                f"{self.file} has {found} times what the fault {self.name!r} replaces, not once:\n{self.old}\n"
                f"The mechanism was changed or moved. See that {self.promise} still holds, then plant the fault where "
                "its mechanism is now (tests/planted/faults)."
            )
        return text.replace(self.old, self.new)
