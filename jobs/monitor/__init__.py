"""What the monitor shows before its script takes over.

state       the first state of one job's page: figures, facts, what can be done
stages      what a stage is about, in a sentence
checkpoints the states that training can go on from
comparison  what was estimated beside what it took
adapter     what the run produced and how it is used
"""

from jobs.monitor.state import first_state

__all__ = ["first_state"]
