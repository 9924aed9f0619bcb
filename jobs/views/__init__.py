"""Pages of training jobs: the list, the form for a new one, the monitor of one.

They render the first state; from there the scripts in static/ talk to the API. Rows only: no page waits
for the broker, the cluster or storage.
"""
