"""A job's curves as pictures: points in, bytes of a PNG, SVG or PDF out.

`subjects` are the charts that there are, `inks` their colours, `runs` says where points stand and which of them count,
`axes` what both axes span, `marks` what happened at which step, `picture` draws it all.
"""
