"""What must not be read by others, blotted out of texts. Pure; it lives in the lowest app, for all to use.

Secrets of ours say what they are (`lora_…`, `callback_…`), so that they are found wherever somebody repeats them:
in an exception, a log line, or the words of a cluster.
"""

import re

API_TOKEN_PREFIX = "lora_"  # noqa: S105 - what a token begins with
CALLBACK_TOKEN_PREFIX = "callback_"  # noqa: S105

# What lies between a name and its value: in a query, percent-encoded, in JSON, in a header, in a repr.
_IS = r"(?:=|%3d|\\u003d|[\"']?\s*:\s*(?:b?[\"'])?)"
_VALUE = r"[^&\s\"'<>,;]+"
_PATTERNS = [
    (re.compile(rf"(?i)(X-Amz-(?:Signature|Credential|Security-Token){_IS}){_VALUE}"), r"\1[redacted]"),
    (re.compile(rf"(?i)(\b(?:AWSAccessKeyId|Signature|sig|token|sessionid|csrftoken)=){_VALUE}"), r"\1[redacted]"),
    (
        re.compile(rf"(?i)((?<![a-z])(?:password|secret|api[_-]?key|secret[_-]?access[_-]?key){_IS}){_VALUE}"),
        r"\1[redacted]",
    ),
    # As in the environment, and as Python writes an argument.
    (re.compile(rf"(\b(?:[A-Z0-9]+_)+(?:TOKEN|SECRET|PASSWORD|PASS|KEY)\s*{_IS}[\"']?){_VALUE}"), r"\1[redacted]"),
    (re.compile(rf"(?i)(\btoken(?:=b?[\"']|[\"']\s*:\s*b?[\"'])){_VALUE}"), r"\1[redacted]"),
    (re.compile(r"\b(hf_)[A-Za-z0-9]{20,}"), r"\1[redacted]"),
    (re.compile(r"(?i)(\bSignature:?\s+)[0-9a-f]{64}\b"), r"\1[redacted]"),
    (re.compile(r"(?i)(\bbearer\s+)[A-Za-z0-9._~+/=-]+"), r"\1[redacted]"),
    (re.compile(rf"(?i)(\bauthorization{_IS}\s*basic\s+){_VALUE}"), r"\1[redacted]"),
    (re.compile(rf"\b({API_TOKEN_PREFIX}|{CALLBACK_TOKEN_PREFIX})[0-9a-f]{{32,}}"), r"\1[redacted]"),
    (re.compile(r"\b(whsec_)[A-Za-z0-9+/=]{16,}"), r"\1[redacted]"),
    (re.compile(r"(://[^:/\s@]*:)[^@/\s]+@"), r"\1[redacted]@"),
]
# Nearly all texts have nothing of it, and there are a great many.
_SUSPECT = re.compile(
    r"(?i)amz|key|sig|token|session|csrf|password|secret|bearer|authorization|lora_|callback_|whsec|hf_|pass|://"
)


def redact(text: str) -> str:
    """`text` with signatures, tokens, keys and passwords in URLs replaced by "[redacted]"."""
    if not _SUSPECT.search(text):
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
