"""Making a process that holds secrets hard to look into."""

import ctypes
import logging
import resource
import sys

logger = logging.getLogger(__name__)

# From <linux/prctl.h>.
_PR_SET_DUMPABLE = 4


def harden_process() -> bool:
    """Forbids core dumps, and reading this process's memory as the same user.

    Call it once at the start of a server or worker, also in each forked child: Linux keeps the
    first on fork and resets neither. It does not stop root.

    Returns:
        Whether the system allowed both; elsewhere than on Linux only core dumps are forbidden.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        logger.warning("the process stays dumpable", extra={"errno": ctypes.get_errno()})
        return False
    return True
