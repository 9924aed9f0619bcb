"""One machine's GPUs behind the GPU cluster API (level 1 and level 2).

Imports point one way, top to bottom:

    __main__           command line: settings -> a serving process
    server, app        the process (socket, signals) and the ASGI application (what is wired to what)
    faults/            the fault door (only with --faults): provokes what a control plane must survive
    api/               HTTP in and out: one file per noun, no decisions
    errands            the node's own outgoing work: fetch datasets, deliver files, tell the control plane
    node               the one door for a job's state
    simulated/         an executor that computes a believable run instead of training
    executor           the seam where a real trainer fits
    book, store        all jobs: in memory, in rows that outlive the process
    queue, agenda      who gets which GPUs when; what is due next
    verdicts           what becomes of a job and why
    jobs, spec, clock  pure words: a job's record, a submitted order, time
"""

VERSION = "0.1.0"
SERVER_NAME = f"gpu_node/{VERSION}"
