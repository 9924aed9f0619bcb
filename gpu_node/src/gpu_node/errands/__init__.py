"""The node's outgoing work: done by a few workers, never by one task per job.

network     the Errands the node is given: queues work, reports back
inputs      what a job needs before it begins: datasets, a checkpoint
transfer    fetch one file and check it
delivery    bring a run's files to the control plane's bucket
callbacks   what is asked of the control plane, and the hints it gets
crew        a fixed number of workers over one queue
"""
