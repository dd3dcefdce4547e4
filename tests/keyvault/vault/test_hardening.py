"""A process that holds secrets gives no core and no look at its memory."""

import subprocess
import sys
from pathlib import Path

MODULE = Path(__file__).resolve().parents[3] / "keyvault" / "vault" / "hardening.py"
PROBE = """
import ctypes, resource, runpy, sys
assert runpy.run_path(sys.argv[1])["harden_process"]()
PR_GET_DUMPABLE = 3
dumpable = ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)
print(dumpable, *resource.getrlimit(resource.RLIMIT_CORE))
"""


def test_a_hardened_process_is_not_dumpable_and_leaves_no_core() -> None:
    command = [sys.executable, "-c", PROBE, str(MODULE)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["0", "0", "0"]
