"""Marks that other trainers heed and this one does not: what they set aside would be learned all the same."""

from typing import Any

from datasets.validation.problems import Finding


def check_marks(value: dict[str, Any], messages: Any) -> list[Finding]:
    """Warnings for an example marked as one to avoid (KTO), and for messages marked as not to be learned (OpenAI)."""
    findings = []
    if value.get("label") is False and "completion" in value:
        error = "label is false: this marks an answer to avoid, but it would be learned like the others."
        findings.append(Finding("label", error, "Remove the examples whose label is false.", is_error=False))
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        if isinstance(message, dict) and message.get("weight") == 0 and message.get("role") == "assistant":
            error = "weight is 0, which is not heeded: every assistant message is learned."
            advice = "Cut the example before this message, or accept that it is learned."
            findings.append(Finding(f"messages[{index}].weight", error, advice, is_error=False))
    return findings
