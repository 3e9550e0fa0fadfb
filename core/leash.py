"""Run a command that dies when its parent does, however that dies: `python leash.py PARENT COMMAND …`.

Stands alone and imports nothing of Encore: it is replaced by the command within milliseconds.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)


def leash(parent: int, command: list[str]) -> None:
    """Become `command`, to be killed with `parent` (a process id). Never returns."""
    if sys.platform == "linux":
        _die_with_parent()
    if os.getppid() != parent:
        sys.exit(0)  # it died before the kernel was told
    os.execvp(command[0], command)  # noqa: S606


def _die_with_parent() -> None:
    # SIGKILL, for nothing can hold it up: Chroma's files and the worker's leases are made to survive it.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl refused the parent-death signal")


if __name__ == "__main__":
    leash(int(sys.argv[1]), sys.argv[2:])
