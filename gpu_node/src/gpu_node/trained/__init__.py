"""An executor that trains: each run is a child process of the trainer, and a folder that both write.

What the folder holds is the truth. Memory only mirrors it, so that a node that was killed finds its runs
again: children live in sessions of their own and go on, and what they wrote meanwhile is read like the rest.

    executor         the Executor over run folders
    supervision      one task per running child: read, decide, start again
    run              one run in memory: its folder, its record, what its trainer reported
    judgement        a child is gone: what becomes of the run. Pure
    report           the trainer's events, added up. Pure
    lines            files that only grow, by line number in bounded memory
    child            the process: start, recognise again, signal, all of its group
    devices          which run holds which GPUs, and how busy they are
    housekeeping     what is deleted when
    folder, record   names in a run's folder, the node's own notes in it
    hyperparameters  what the trainer takes, with defaults and ranges. Pure
"""
