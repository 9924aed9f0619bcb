"""One machine's GPUs behind the GPU cluster API (level 1 and level 2).

Imports point one way, top to bottom:

    __main__           command line: settings -> a serving process
    server, app        the process (socket, signals) and the ASGI application (what is wired to what)
    faults/            the fault door (only with --faults): provokes what a control plane must survive
    api/               HTTP in and out: one file per noun, no decisions
    provision/         makes the machine ready: the trainer's environment, base models
    errands/           the node's own outgoing work: fetch inputs, deliver files, tell the control plane
    node               the one door for a job's state
    outgoing           the seam where errands fit
    admission          what this machine cannot run
    checkpoints        which checkpoints are worth sending, which a resume could use
    trained/           an executor that trains, with a child process per run
    simulated/         an executor that computes a believable run instead of training
    book, store        all jobs: in memory, in rows that outlive the process
    queue, agenda      who gets which GPUs when; what is due next
    verdicts           what becomes of a job and why
    executor           the seam where both executors fit
    jobs               a job's record
    provisioning       the seam where provision/ fits
    orders             JSON -> a submitted order
    spec, clock, gpus  pure words: an order, time; what NVML knows of this machine
"""

VERSION = "0.1.0"
SERVER_NAME = f"gpu_node/{VERSION}"
