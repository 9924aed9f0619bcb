"""What `bin/…` does before anything is installed: makes the environments, then hands over.

Only the standard library is available here, so nothing of the product is imported.

    launch (sh)      finds a fitting Python, also where none is called python3
    __main__.py      the commands: which environments each needs, what it then runs
    environment.py   one environment from hashed locks: complete, or made again
    installer.py     uv, pinned and hashed like the rest; pip where uv has no wheel
    locks.py         bin/lock: *.in → hashed locks
    mirrors.py       pip's package mirrors, said in uv's words
"""
