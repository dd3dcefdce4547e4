"""Load with wrk: requests a second and latencies of one address."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_RATE = re.compile(r"Requests/sec:\s*([0-9.]+)")
_LATENCY = re.compile(r"(50|99)%\s+([0-9.]+)(us|ms|s)")
_BAD = re.compile(r"Non-2xx or 3xx responses: ([0-9]+)")
_TO_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of wrk."""

    rate: float
    p50_ms: float
    p99_ms: float
    refused: int


def measure(*, url: str, script: Path, seconds: int, clients: int) -> Measured:
    """Runs wrk for a while."""
    printed = subprocess.run(
        ["wrk", "-t1", f"-c{clients}", f"-d{seconds}", "--latency", "-s", str(script), url],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    rate = _RATE.search(printed)
    bad = _BAD.search(printed)
    latency = {name: float(value) * _TO_MS[unit] for name, value, unit in _LATENCY.findall(printed)}
    return Measured(
        rate=float(rate.group(1)) if rate else 0.0,
        p50_ms=latency.get("50", 0.0),
        p99_ms=latency.get("99", 0.0),
        refused=int(bad.group(1)) if bad else 0,
    )


def lease_script(path: Path, *, token: str, stores: list[str], permits: int) -> Path:
    """Leases from one store after the other."""
    names = ",".join(f'"{store}"' for store in stores)
    path.write_text(
        f"local stores = {{{names}}}\nlocal n = 0\n"
        f'wrk.method = "POST"\nwrk.body = \'{{"permits": {permits}}}\'\n'
        f'wrk.headers["Authorization"] = "Bearer {token}"\n'
        'wrk.headers["Content-Type"] = "application/json"\n'
        "request = function() n = n + 1\n"
        'return wrk.format(nil, "/api/v1/stores/" .. stores[n % #stores + 1] .. "/leases") end\n'
    )
    return path


def fetch_script(path: Path, *, token: str) -> Path:
    """Reads one secret of OpenBao."""
    path.write_text(
        f'wrk.headers["X-Vault-Token"] = "{token}"\nwrk.path = "/v1/secret/data/store"\n'
    )
    return path
