"""Is this file good to train on? Pure: bytes in, a report out; no rows, clock or network.

    validator   the whole check, fed with chunks of any size in bounded memory
    lines       chunks -> numbered lines          container   what kind of file it is at all
    strict_json one line -> one object            chat        one object -> what is wrong with the example
    sample      what the page shows of it         problems    findings and how many of them are kept
    lengths     how long the examples are, and what a maximum length takes away
    report      the result

A new format is a module like `chat` and an entry in `validator.FORMATS`.
"""

from datasets.validation.problems import Problem
from datasets.validation.report import Report
from datasets.validation.validator import FORMATS, Validator

__all__ = ["FORMATS", "Problem", "Report", "Validator"]
