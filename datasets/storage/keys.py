"""Which object keys we are willing to use: the one gate between users' paths and the buckets.

Object stores take keys literally, but proxies, gateways and file-backed stores normalise them. A key that
means something else after such a step could leave its owner's prefix, so it is refused, never repaired.
"""

import unicodedata
from urllib.parse import unquote

from datasets.storage.base import InvalidKey

MAX_KEY_BYTES = 1024  # the limit of S3
_MAX_DECODINGS = 5

# Control, format (zero width, direction), surrogate, private and unassigned characters, separators of lines.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean_key(key: str) -> str:
    """`key` itself if it is safe as an object's key; raises InvalidKey that says what is wrong."""
    fault = _fault(key)
    if fault:
        raise InvalidKey(f"This path cannot be used: {fault}.")
    decoded = key
    for _ in range(_MAX_DECODINGS):
        previous, decoded = decoded, unquote(decoded, errors="replace")
        if decoded == previous:
            return key
        if _fault(decoded) or decoded.count("/") != key.count("/") or "\ufffd" in decoded:
            raise InvalidKey("This path cannot be used: it hides special characters in percent-encoding.")
    raise InvalidKey("This path cannot be used: it is percent-encoded many times over.")


def clean_segment(name: str) -> str:
    """`name` itself if it is safe as one part of a key, such as a file's name; raises InvalidKey."""
    if "/" in name:
        raise InvalidKey("A file name cannot contain “/”.")
    return clean_key(name)


def clean_prefix(prefix: str) -> str:
    """`prefix` itself if it names a folder: a safe key and one “/” at its end; raises InvalidKey."""
    if not prefix.endswith("/"):
        raise InvalidKey("A prefix must end with “/”, or it would also cover its neighbours.")
    clean_key(prefix[:-1])
    return prefix


def _fault(key: str) -> str:
    """What is wrong with the key, or an empty string."""
    if not key:
        return "it is empty"
    if any(unicodedata.category(character) in _REFUSED_CATEGORIES for character in key):
        return "it contains control or invisible characters"
    if len(key.encode()) > MAX_KEY_BYTES:
        return f"it is longer than {MAX_KEY_BYTES} bytes"
    if "\\" in key:
        return "it contains a backslash"
    if unicodedata.normalize("NFKC", key) != key:
        return "it contains characters that look like others (it is not NFKC-normalised)"
    for segment in key.split("/"):
        if not segment:
            return "it starts or ends with “/” or contains “//”"
        if not segment.strip(" ."):
            return "a part of it consists only of dots or spaces"
    return ""
