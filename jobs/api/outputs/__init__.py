"""What the API says: one serializer per noun, which is its shape and its documentation in one.

`job` is the job itself, `run` what it leaves behind, `catalog` what can be chosen for one. A value that is not
known is null, never 0. Money and metrics are numbers, times ISO 8601 in UTC.
"""
