"""Planted faults: each promise's mechanism is taken out in a copy of the tree, and the test that proves it must fail.

faults/     what is taken out, promise by promise
copies.py   throw-away copies of the tree, and pytest in them
"""
