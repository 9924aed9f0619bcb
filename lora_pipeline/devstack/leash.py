"""Become another program that dies with its parent: `leash.py PARENT_PID OWNER command…`.

Linux kills a process on its parent's death when the process has asked for it (PR_SET_PDEATHSIG); the wish survives
exec. Other systems have nothing like it: there the stack's guardian does the work alone. This file runs by itself,
in 10 ms and before anything else, because asking in `preexec_fn` would run Python between fork and exec. OWNER is
`UID:GID` to become, or `-`; that comes first, since a change of owner cancels the wish.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, owner: str, command: list[str]) -> None:
    """Bind this process to `parent`, then become `command` as `owner`."""
    if owner != "-":
        user, group = map(int, owner.split(":"))
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            sys.exit("The supervisor has ended.")
    try:
        os.execvpe(command[0], command, os.environ)  # noqa: S606 - the very purpose
    except OSError as error:
        sys.exit(f"{command[0]} cannot be started: {error}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
