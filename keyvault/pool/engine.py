"""Where the pool's SQL differs between the two engines, and nothing else.

The statements name their parameters (`%(name)s`), which Django passes on to both drivers; times are
whole microseconds. The clock is the database's: PostgreSQL's own, read while the statement runs;
with SQLite, which lives in this process, the process's, read after the write lock was taken.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection


@dataclass(frozen=True, slots=True)
class Engine:
    """Fragments of SQL."""

    is_postgresql: bool
    now_us: str
    greatest: str
    # The elements of the JSON column `pick.windows`, in order, as `n` (from 0) and `v`.
    elements: str
    # Element `{0}` of the JSON list `v`, as an integer.
    item: str
    # Aggregates two integers, ordered by n, into a JSON list of pairs.
    pairs: str
    # True in an effect when the row it depends on was saved; see `keyvault.pool.writing`.
    saved: str
    json: str


POSTGRESQL: Final = Engine(
    is_postgresql=True,
    now_us="(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint",
    greatest="GREATEST",
    elements="(SELECT e.n, e.v FROM jsonb_array_elements(pick.windows) WITH ORDINALITY AS e(v, n))",
    item="(v->>{0})::bigint",
    pairs="json_agg(json_build_array({0}, {1}) ORDER BY n)::text",
    saved="EXISTS (SELECT 1 FROM saved)",
    json="CAST({0} AS jsonb)",
)

SQLITE: Final = Engine(
    is_postgresql=False,
    now_us="%(now_us)s",
    greatest="MAX",
    elements="(SELECT e.key AS n, e.value AS v FROM json_each(pick.windows) AS e)",
    item="json_extract(v, '$[{0}]')",
    pairs="json_group_array(json_array({0}, {1}))",
    saved="TRUE",
    json="{0}",
)


def engine() -> Engine:
    """The fragments for the database in use."""
    return POSTGRESQL if connection.vendor == "postgresql" else SQLITE


def uuid_value(value: UUID | None) -> UUID | str | None:
    """A UUID as the engine's driver takes it."""
    if value is None or connection.vendor == "postgresql":
        return value
    return value.hex


def read_uuid(value: UUID | str) -> UUID:
    """A UUID as either driver gives it."""
    return value if isinstance(value, UUID) else UUID(value)


def datetime_value(value: datetime) -> datetime | str:
    """An aware datetime as the engine's driver takes it, alike with Django's own columns."""
    if connection.vendor == "postgresql":
        return value
    return str(value.astimezone(UTC).replace(tzinfo=None))


def clock_parameters() -> dict[str, Any]:
    """The parameters that `Engine.now_us` needs; read them when the lock is held."""
    return {"now_us": time.time_ns() // 1000}


def clock_us() -> int:
    """The database's clock now."""
    if connection.vendor != "postgresql":
        return time.time_ns() // 1000
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {POSTGRESQL.now_us}")
        return int(cursor.fetchone()[0])
