"""Keeps the memory of a process that holds secrets from leaving it through the kernel's doors."""

import ctypes
import resource
import sys
from typing import Final

# From <linux/prctl.h>.
PR_GET_DUMPABLE: Final = 3
PR_SET_DUMPABLE: Final = 4


def keep_memory_private() -> None:
    """Forbid core dumps and, on Linux, ptrace and /proc/PID/mem for everybody but root.

    Raises:
        OSError: the kernel refused; do not serve.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE) failed")
