"""The table of planted faults in docs/reliability.md; `python -m tests.planted.page` writes it anew."""

from collections.abc import Iterator

from lora_pipeline.devstack.places import ROOT
from tests.planted.fault import Fault
from tests.planted.faults import FAULTS

PAGE = ROOT / "docs" / "reliability.md"
BEGIN = "<!-- made by: python -m tests.planted.page -->\n"


def written(page: str) -> str:
    """The page with the table of today's faults after BEGIN, which is the page's last part."""
    text, begin, _ = page.partition(BEGIN)
    assert begin, f"{PAGE} has no line {BEGIN!r}"
    return text + begin + "\n".join(_table()) + "\n"


def _table() -> Iterator[str]:
    yield "| promise | how it is kept | taken out, in | caught by |"
    yield "|---|---|---|---|"
    for fault in sorted(FAULTS, key=lambda fault: int(fault.promise[1:])):
        proofs = "<br>".join(_linked(proof) for proof in fault.proofs)
        yield f"| {fault.promise} | {fault.mechanism} | {fault.name}, `{fault.file}`{_where(fault)} | {proofs} |"


def _linked(proof: str) -> str:
    """A test's name without its parameters, linked to its file."""
    path, _, name = proof.partition("::")
    return f"[{name.partition('[')[0]}](../{path})"


def _where(fault: Fault) -> str:
    return " (PostgreSQL)" if fault.database == "postgresql" else ""


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
