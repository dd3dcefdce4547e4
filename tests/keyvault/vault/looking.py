"""A duty that tells what its worker lets others see, and ends it."""

import ctypes
import os
import resource
import signal
from datetime import datetime

from keyvault.due import Duty

PR_GET_DUMPABLE = 3


def _look(_now: datetime) -> int:
    dumpable = ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)
    os.write(1, f"{dumpable} {resource.getrlimit(resource.RLIMIT_CORE)}\n".encode())
    os.kill(os.getpid(), signal.SIGTERM)
    return 0


LOOK = Duty(name="look", interval_seconds=1, run=_look)
