"""The pool on paper: a log as a list, and a vendor who counts arrivals."""

from dataclasses import dataclass

from keyvault import windows
from keyvault.windows import SECOND, KeyState, TrafficClass

START_US = 1_800_000_000 * SECOND


@dataclass
class Row:
    """One lease of the log."""

    granted_us: int
    use_by_us: int
    counted: int


class Pool:
    """One key whose log is a list; the arithmetic is the real one."""

    def __init__(self, *, limits: list[tuple[int, int]], transit_us: int) -> None:
        self.transit_us = transit_us
        self.now_us = START_US
        self.log: list[Row] = []
        self.state: KeyState = windows.fresh(
            limits=limits, now_us=self.now_us, transit_us=transit_us
        )

    def advanced(self) -> KeyState:
        now_us = max(self.now_us, self.state.high_water_us)
        left = []
        for window in self.state.windows:
            horizon_us = windows.horizon_us(
                window=window, now_us=now_us, transit_us=self.transit_us
            )
            left.append(
                sum(
                    row.counted
                    for row in self.log
                    if window.horizon_us < row.use_by_us <= horizon_us
                )
            )
        return windows.advance(
            state=self.state, now_us=now_us, transit_us=self.transit_us, left=left
        )

    def lease(
        self, *, permits: int, use_within_us: int, traffic_class: TrafficClass = "interactive"
    ) -> Row | None:
        state = self.advanced()
        free = windows.free_permits(state=state, traffic_class=traffic_class)
        if not free:
            return None
        row = Row(
            granted_us=state.high_water_us,
            use_by_us=state.high_water_us + use_within_us,
            counted=min(free, permits),
        )
        oldest = [
            min(
                (
                    each.use_by_us
                    for each in self.log
                    if each.use_by_us > window.horizon_us and each.counted
                ),
                default=None,
            )
            for window in state.windows
        ]
        self.state = windows.grant(
            state=state,
            permits=row.counted,
            traffic_class=traffic_class,
            leaves=oldest,
            use_by_us=row.use_by_us,
            transit_us=self.transit_us,
        )
        self.log.append(row)
        return row

    def settle(self, row: Row, *, used: int, last_used_us: int) -> None:
        self.state = windows.settle(
            state=self.advanced(),
            counted=row.counted,
            use_by_us=row.use_by_us,
            used=used,
            last_used_us=last_used_us,
        )
        row.counted, row.use_by_us = used, last_used_us

    def set_back(self, by_us: int) -> None:
        """The clock is set back; the log follows as `keyvault.pool.keys` makes it."""
        self.now_us -= by_us
        if self.state.high_water_us - self.now_us > windows.CLOCK_TOLERANCE_US:
            shift_us = self.now_us - self.state.high_water_us
            self.state = windows.shifted(state=self.state, by_us=shift_us)
            for row in self.log:
                row.granted_us += shift_us
                row.use_by_us += shift_us


def most_in_any_span(arrivals: list[int], *, span_us: int) -> int:
    """The most arrivals in any half-open span, wherever it starts."""
    ordered = sorted(arrivals)
    first, most = 0, 0
    for last, at in enumerate(ordered):
        while ordered[first] <= at - span_us:
            first += 1
        most = max(most, last - first + 1)
    return most
