"""The GPU cluster API over HTTP: one file per noun, decisions are the node's.

routes      which URL is what, at which level
bodies      JSON in: size, form, types
answers     a job, its points and lines as the contract's JSON
submit, status, cancel, series, files, capabilities     the endpoints
"""
