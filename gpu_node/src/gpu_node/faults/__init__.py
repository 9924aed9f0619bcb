"""The fault door: provokes at will what a control plane must survive. Exists only with --faults.

routes      POST, GET and DELETE /faults, GET /faults/journal
door        the middleware: finds the rules that match a request and lets them happen
answer      the answer on its way out: how it is sent, when, or not at all
bodies      the answer's JSON: states, points, clocks and numbers gone wrong
rules       what to do to which call, how often
journal     which submits and cancels arrived, which jobs cost money
"""
