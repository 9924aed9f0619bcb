"""Figures of the product on this machine, each beside its yardstick. Run all with `bin/benchmark`.

rig        the real stack: web server, two workers, broker, S3, a simulated GPU node, SQLite or DATABASE_URL
yardstick  the same broker and worker with tasks that do nothing
cycle      S1: a tick over N active jobs          api   S2, S3 and cancel: what users wait for
idle       S6: the stack with nothing to do       report  the printed table
"""
