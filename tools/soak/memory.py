"""The memory of an installation's processes over the time of a soak.

Private memory (RssAnon) is what a leak grows; pages of files that are mapped, such as the measures
that processes share, belong to the system, which takes them back, and are shown beside it. A young
process grows until each of its threads has once done everything that there is to do: imports,
templates, caches, the arenas of malloc. So growth counts from a third of the time on, as the
difference of two medians: of the samples in the second third, and of those in the last.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.installation import Installation

EVERY_SECONDS = 5.0
LINES = 16
PARTS = ("web", "worker", "second-worker")


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: seconds since the start, private and mapped MiB of each part with its children."""

    at: float
    private: dict[str, float]
    mapped: dict[str, float]


@dataclass
class Curve:
    """Samples of a site's parts, taken in a thread of its own."""

    site: Installation
    samples: list[Sample] = field(default_factory=list)

    def record(self, stop: threading.Event) -> None:
        """Take a sample every five seconds until told to stop."""
        start = time.monotonic()
        while not stop.wait(EVERY_SECONDS):
            self.samples.append(self._look(time.monotonic() - start))

    def growth(self) -> float:
        """MiB of private memory of all parts together: the last third against the one before."""
        third = len(self.samples) // 3
        if not third:
            return 0.0
        later, sooner = self.samples[-third:], self.samples[-2 * third : -third]
        return round(_middle(later) - _middle(sooner), 1)

    def table(self) -> str:
        """The curve in some lines, one part a column: private + mapped MiB."""
        step = max(len(self.samples) // LINES, 1)
        rows = [f"{'seconds':>8}" + "".join(f"{part:>20}" for part in PARTS)]
        for sample in self.samples[::step]:
            cells = (f"{sample.private[part]:9.1f} +{sample.mapped[part]:6.1f}" for part in PARTS)
            rows.append(f"{sample.at:8.0f}" + "".join(f"{cell:>20}" for cell in cells))
        return "\n".join(rows)

    def _look(self, at: float) -> Sample:
        both = {part: _memory_mib(self.site.parts[part].pid) for part in PARTS}
        return Sample(
            at=at,
            private={part: private for part, (private, _) in both.items()},
            mapped={part: mapped for part, (_, mapped) in both.items()},
        )


def _middle(samples: list[Sample]) -> float:
    return median(sum(sample.private.values()) for sample in samples)


def _memory_mib(pid: int) -> tuple[float, float]:
    """Private and mapped memory of a process and its children."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = {
        name: int(value.split()[0])
        for name, _, value in (line.partition(":") for line in lines)
        if name in {"RssAnon", "RssFile", "RssShmem"}
    }
    private, mapped = kib["RssAnon"] / 1024, (kib["RssFile"] + kib["RssShmem"]) / 1024
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        more = _memory_mib(int(child))
        private, mapped = private + more[0], mapped + more[1]
    return private, mapped
