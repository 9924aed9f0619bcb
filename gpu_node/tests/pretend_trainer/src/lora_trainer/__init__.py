"""A pretended trainer for the node's tests: it keeps the run folder's rules and trains nothing.

Its base model is a folder whose config.json tells how to behave: `steps`, `save_every`, `halt_at` (it stays
at that step until a file `go` lies in the folder), `mishaps` ([{restart, step, how}]: kill, exit or fail),
`says` (lines of log) and `deaf` (SIGTERM does nothing).
"""
