"""Is this file good to train on? Pure: bytes in, a report out; no rows, clock or network.

    validator   the whole check, fed with chunks of any size in bounded memory
    lines       chunks -> numbered lines          container   what kind of file it is at all
    strict_json one line -> one value             layouts    the value -> messages, whichever layout it has
    chat        the messages -> what is wrong     tool_calls, tools   what is wrong with calls and tools
    sample      what the page shows of it         problems    findings and how many of them are kept
    locate, excerpt   where in its line a finding is, and what the page shows of it
    places      where its examples are, to find any of them again
    lengths     how long the examples are, and what a maximum length takes away
    unheeded    marks that are not obeyed here
    unknown_layouts   advice for lines in no layout that is known
    report      the result
    correction, json_values   what can be put right by machine, written to another file

A new layout is a reader in `layouts`, and one in the trainer.
"""

from datasets.validation.correction import Corrector, Uncorrectable
from datasets.validation.layouts import LABELS, Layout
from datasets.validation.problems import Problem
from datasets.validation.report import MIXED, Report
from datasets.validation.validator import Validator

__all__ = ["LABELS", "MIXED", "Corrector", "Layout", "Problem", "Report", "Uncorrectable", "Validator"]
