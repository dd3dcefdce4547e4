"""Reading what the pool knows of keys: one statement for any number of them.

The statement gives each key's state as it was last written, the clock, and for each window the
two facts of the log that `keyvault.windows` needs: the permits that have left since then, and the
oldest use-by that still counts. Both are short ranges of the index (key, use_by_us): what left
since the last write, and one row. So the cost does not grow with the log.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection

from keyvault import windows
from keyvault.pool.engine import Engine, clock_parameters, engine, read_uuid
from keyvault.windows import SECOND, KeyState, Window

# What `key_of` takes, in this order.
KEY_COLUMNS: Final = (
    "pick.id, pick.credential_id, pick.version, pick.windows, pick.high_water_us, "
    "pick.next_free_us, pick.batch_free_us, pick.cooled_until_us, pick.foreign_seen_us, "
    "pick.interactive_load, pick.limits, pick.clock_us, {log}"
)
KEY_WIDTH: Final = 13

_HORIZON = (
    "{greatest}({stored}, pick.at_us - {seconds} * 1000000 - %(transit_us)s, "
    "CASE WHEN {until} > 0 AND {until} <= pick.at_us THEN {since} - %(transit_us)s "
    "ELSE {stored} END)"
)
_LEFT = (
    "(SELECT COALESCE(SUM(l.counted), 0) FROM keyvault_lease l WHERE l.key_id = pick.id "
    "AND l.use_by_us > w.stored AND l.use_by_us <= w.horizon)"
)
_OLDEST = (
    "(SELECT MIN(l.use_by_us) FROM keyvault_lease l WHERE l.key_id = pick.id "
    "AND l.use_by_us > w.horizon AND l.counted > 0)"
)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key as it was read.

    Attributes:
        id: the row of `PoolKey`.
        credential_id: the key itself.
        version: to be named when the row is written.
        state: as it was last written.
        limits: what the credential says now.
        clock_us: the database's clock.
        left: for each window, permits that left since the last write.
        oldest: for each window, the oldest use-by that counts.
    """

    id: int
    credential_id: UUID
    version: int
    state: KeyState
    limits: tuple[tuple[int, int], ...]
    clock_us: int
    left: tuple[int, ...]
    oldest: tuple[int | None, ...]

    @property
    def is_behind(self) -> bool:
        """Whether the clock was set back so far that the log must be moved along."""
        return self.state.high_water_us - self.clock_us > windows.CLOCK_TOLERANCE_US

    @property
    def has_new_limits(self) -> bool:
        """Whether the credential's limits differ from the windows that are counted."""
        return self.limits != tuple((each.seconds, each.limit) for each in self.state.windows)

    @property
    def now_us(self) -> int:
        """The clock, never before the latest time that was written."""
        return max(self.clock_us, self.state.high_water_us)

    def advanced(self) -> KeyState:
        """The state at `now_us`."""
        return windows.advance(
            state=self.state, now_us=self.now_us, transit_us=transit_us(), left=self.left
        )


def transit_us() -> int:
    """The longest way of a request from a backend to the vendor."""
    return int(getattr(settings, "KEYVAULT_TRANSIT_SECONDS", windows.TRANSIT_SECONDS) * SECOND)


@lru_cache
def clock_and_pick(fragments: Engine, *, where: str, tail: str = "", columns: str = "") -> str:
    """The two common table expressions that find keys: `clock` and `pick`.

    Args:
        fragments: the engine's.
        where: which keys, in terms of k (PoolKey), c (Credential) and clock.
        tail: ORDER BY, LIMIT.
        columns: further columns of c or k for `pick`, each with a leading comma.
    """
    return (
        f"clock AS (SELECT {fragments.now_us} AS now_us), "  # noqa: S608  # our own fragments
        f"pick AS (SELECT k.*, c.limits, clock.now_us AS clock_us, "
        f"{fragments.greatest}(clock.now_us, k.high_water_us) AS at_us{columns} "
        f"FROM keyvault_poolkey k JOIN keyvault_credential c ON c.id = k.credential_id "
        f"CROSS JOIN clock WHERE {where} {tail})"
    )


@lru_cache
def key_columns(fragments: Engine) -> str:
    """The columns that `key_of` takes, of the expression `pick`."""
    item = fragments.item.format
    horizon = _HORIZON.format(
        greatest=fragments.greatest,
        stored=item(3),
        seconds=item(0),
        until=item(5),
        since=item(4),
    )
    spans = f"(SELECT n, {item(3)} AS stored, {horizon} AS horizon FROM {fragments.elements} x) w"  # noqa: S608  # our own fragments
    pairs = fragments.pairs.format(_LEFT, _OLDEST)
    return KEY_COLUMNS.format(log=f"(SELECT {pairs} FROM {spans})")  # noqa: S608  # our own fragments


def key_of(row: Sequence[Any]) -> KeyRow:
    """A key from the columns of `key_columns`."""
    (
        id_,
        credential_id,
        version,
        spans,
        high,
        free,
        batch,
        cooled,
        foreign,
        load,
        limits,
        now,
        log,
    ) = row
    pairs = json.loads(log)
    return KeyRow(
        id=id_,
        credential_id=read_uuid(credential_id),
        version=version,
        state=KeyState(
            windows=tuple(Window(*span) for span in json.loads(spans)),
            high_water_us=high,
            next_free_us=free,
            batch_free_us=batch,
            cooled_until_us=cooled,
            foreign_seen_us=foreign,
            interactive_load=load,
        ),
        limits=tuple(sorted((seconds, limit) for seconds, limit in json.loads(limits))),
        clock_us=now,
        left=tuple(int(pair[0]) for pair in pairs),
        oldest=tuple(pair[1] for pair in pairs),
    )


def read_keys(*, where: str, parameters: dict[str, Any], tail: str = "") -> list[KeyRow]:
    """Keys as they stand, in one query.

    Args:
        where: see `clock_and_pick`.
        parameters: those that `where` names.
        tail: ORDER BY, LIMIT.
    """
    fragments = engine()
    found = clock_and_pick(fragments, where=where, tail=tail)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH {found} SELECT {key_columns(fragments)} FROM pick",  # noqa: S608  # our own fragments
            {**parameters, **clock_parameters(), "transit_us": transit_us()},
        )
        return [key_of(row) for row in cursor.fetchall()]


def recounted(*, row: KeyRow) -> KeyState:
    """The state with windows after the credential's limits, counted anew from the log.

    One query a window over all of its log: for a change of limits, not for every lease.
    """
    state = windows.fresh(limits=row.limits, now_us=row.now_us, transit_us=transit_us())
    counted = []
    with connection.cursor() as cursor:
        for window in state.windows:
            cursor.execute(
                "SELECT COALESCE(SUM(counted), 0) FROM keyvault_lease "
                "WHERE key_id = %s AND use_by_us > %s",
                [row.id, window.horizon_us],
            )
            counted.append(replace(window, counted=int(cursor.fetchone()[0])))
    return replace(row.state, windows=tuple(counted), high_water_us=row.now_us, next_free_us=0)
