"""What kind of file is this? Recognises, from its first bytes, files that are not JSON lines at all."""

from dataclasses import dataclass

SNIFF_BYTES = 4096

UTF8_BOM = b"\xef\xbb\xbf"

_MAGIC = (
    (b"\x1f\x8b", "is compressed with gzip", "Unpack it first (gunzip) and upload the .jsonl file."),
    (b"PK\x03\x04", "is a ZIP archive or an Excel workbook", "Unpack it, or export it as JSON lines."),
    (b"\x28\xb5\x2f\xfd", "is compressed with Zstandard", "Unpack it first (unzstd)."),
    (b"\xfd7zXZ\x00", "is compressed with xz", "Unpack it first (unxz)."),
    (b"BZh", "is compressed with bzip2", "Unpack it first (bunzip2)."),
    (b"PAR1", "is a Parquet file", "Export it as JSON lines: df.to_json(…, orient='records', lines=True)."),
    (b"ARROW1", "is an Arrow file", "Export it as JSON lines: df.to_json(…, orient='records', lines=True)."),
    (b"%PDF", "is a PDF document", "Write its contents as examples first."),
)
_UTF16_32 = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")

BY_MACHINE = "Let a corrected file be made: that puts it right."
ONE_PER_LINE = 'Write one example per line, such as {"prompt": "…", "completion": "…"}.'


@dataclass(frozen=True)
class Misfit:
    """Why the file as a whole cannot be read, and how to make it readable."""

    error: str
    suggestion: str


def misfit(head: bytes) -> Misfit | None:
    """Judge a file by its first SNIFF_BYTES (less if it is shorter); None if it may be JSON lines."""
    for magic, what, advice in _MAGIC:
        if head.startswith(magic):
            return Misfit(f"The file {what}, not JSON lines.", advice)
    if head.startswith(_UTF16_32) or looks_like_utf16(head):
        return Misfit(
            "The file is encoded in UTF-16 or UTF-32.", f"{BY_MACHINE} Or save it as UTF-8 and upload it again."
        )
    text = head.removeprefix(UTF8_BOM).lstrip()
    first_line = text.split(b"\n", 1)[0].strip()
    if first_line.startswith(b"["):
        return Misfit(
            "The file is one JSON array, not JSON lines.",
            f"{BY_MACHINE} Or put each element on a line of its own (jq -c '.[]' in.json > out.jsonl).",
        )
    if first_line == b"{":
        return Misfit(
            "The JSON is spread over several lines.",
            f"{BY_MACHINE} Or write it compactly (jq -c . in.json > out.jsonl).",
        )
    if first_line and not first_line.startswith(b"{") and _looks_like_csv(first_line):
        return Misfit("The file looks like CSV, not JSON lines.", f"Convert each row. {ONE_PER_LINE}")
    return None


def is_one_value(head: bytes) -> bool:
    """Whether a text file is one JSON array, or JSON that is spread over several lines."""
    first_line = head.lstrip().split(b"\n", 1)[0].strip()
    return first_line.startswith(b"[") or first_line == b"{"


def looks_like_utf16(head: bytes) -> bool:
    """ASCII text in UTF-16 has a zero byte in every other place."""
    pairs = len(head) // 2
    return pairs >= 2 and max(head[0::2].count(0), head[1::2].count(0)) > pairs // 2


def _looks_like_csv(first_line: bytes) -> bool:
    return any(delimiter in first_line for delimiter in (b",", b"\t", b";"))
