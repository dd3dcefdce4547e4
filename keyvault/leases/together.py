"""Leases of several threads in one statement of PostgreSQL: one round trip and one commit for all.

The statement is made of those that write a single lease. Its rows come as one JSON document, so it
stays the same however many they are. A key that another process is writing is passed over, not
waited for: two processes can never hold each other up, and who was passed over reads again.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from django.db import DataError, IntegrityError, connection

from keyvault.pool.engine import POSTGRESQL
from keyvault.pool.gathering import Company, Gathering
from keyvault.pool.turns import hang_up, holds_connection
from keyvault.pool.writing import Effect, parameters_of, update_of, write_key
from keyvault.windows import KeyState

# A key that was paused or removed since it was read is not lent.
_STILL_ACTIVE: Final = (
    "AND EXISTS (SELECT 1 FROM keyvault_credential c WHERE c.id = credential_id "
    "AND c.state = 'active')"
)
# The parameters of a lease and of what is written with it.
_COLUMNS: Final = {
    "key_id": "bigint",
    "version": "bigint",
    "windows": "text",
    "high_water_us": "bigint",
    "next_free_us": "bigint",
    "batch_free_us": "bigint",
    "cooled_until_us": "bigint",
    "foreign_seen_us": "bigint",
    "headroom": "bigint",
    "interactive_load": "double precision",
    "lease_id": "uuid",
    "token_id": "bigint",
    "permits": "integer",
    "is_batch": "boolean",
    "granted_us": "bigint",
    "use_by_us": "bigint",
    "expires_us": "bigint",
    "entry_at": "timestamptz",
    "entry_action": "text",
    "entry_actor": "text",
    "entry_keychain_id": "uuid",
    "entry_subject": "text",
    "entry_facts": "text",
    "entry_request_id": "text",
    "entry_nonce": "uuid",
}
# Threads that borrow, from before their request is read until their lease is written.
LEASING: Final = Company()
_PARAMETER: Final = re.compile(r"%\((\w+)\)s")
_HELD: Final = (
    "held AS (SELECT k.id AS key_id FROM keyvault_poolkey k "
    "JOIN lent ON lent.key_id = k.id AND lent.version = k.version "
    "ORDER BY k.id FOR NO KEY UPDATE OF k SKIP LOCKED)"
)


@dataclass(frozen=True, slots=True)
class LeaseWrite:
    """A lease that is to be written with its key's new state.

    Attributes:
        key_id: the row of `PoolKey`.
        version: as it was read.
        state: the new state.
        effects: the lease and its entry.
        further: what else takes place with it.
    """

    key_id: int
    version: int
    state: KeyState
    effects: Sequence[Effect]
    further: Sequence[Effect] = ()

    def alone(self) -> bool:
        """Writes it in a statement of its own."""
        return write_key(
            key_id=self.key_id,
            version=self.version,
            state=self.state,
            effects=[*self.effects, *self.further],
            condition=_STILL_ACTIVE,
        )


def write_lease(write: LeaseWrite) -> bool:
    """Writes a lease while its key may still be lent, with those of other threads where it can.

    Returns:
        Whether it was written; if not, read again.
    """
    if connection.vendor == "postgresql" and not holds_connection() and not write.further:
        return _writes.ask(write)
    LEASING.leave()
    return write.alone()


def write_leases(writes: list[LeaseWrite]) -> list[bool | Exception]:
    """Writes leases of several keys, each by itself; of one key only the first.

    Returns:
        For each whether it was written, or why the database refused it.
    """
    first = {write.key_id: write for write in reversed(writes)}
    if len(first) == 1 or connection.vendor != "postgresql":
        written = {key_id: _attempted(write) for key_id, write in first.items()}
    else:
        written = _written(list(first.values()))
    return [written[each.key_id] if first[each.key_id] is each else False for each in writes]


def _written(writes: list[LeaseWrite]) -> dict[int, bool | Exception]:
    rows = []
    for write in writes:
        row = parameters_of(key_id=write.key_id, version=write.version, state=write.state)
        for effect in write.effects:
            row |= effect.parameters
        rows.append(row)
    statement = _statement(tuple(effect.sql for effect in writes[0].effects))
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, {"lent": json.dumps(rows, default=str)})
            saved = {key_id for (key_id,) in cursor.fetchall()}
    except (IntegrityError, DataError):
        # Whose fault it was turns out one by one.
        return {write.key_id: _attempted(write) for write in writes}
    return {write.key_id: write.key_id in saved for write in writes}


def _attempted(write: LeaseWrite) -> bool | Exception:
    try:
        return write.alone()
    except (IntegrityError, DataError) as error:
        return error


@lru_cache
def _statement(effects: tuple[str, ...]) -> str:
    columns = ", ".join(f"{name} {type_}" for name, type_ in _COLUMNS.items())
    update = update_of(
        POSTGRESQL, condition=_STILL_ACTIVE, source="FROM lent JOIN held USING (key_id) "
    )
    parts = [
        f"lent AS (SELECT * FROM jsonb_to_recordset(%(lent)s) AS given({columns}))",  # noqa: S608  # our own fragments
        _HELD,
        f"saved AS ({_of_all(update)} RETURNING id)",
        *(f"effect_{n} AS ({_of_all(sql)})" for n, sql in enumerate(effects)),
    ]
    return f"WITH {', '.join(parts)} SELECT id FROM saved"  # noqa: S608  # our own fragments


def _of_all(sql: str) -> str:
    """The statement of one lease as that of all that were saved."""
    saved = sql.replace("WHERE {saved}", "FROM lent JOIN saved ON saved.id = lent.key_id")
    return _PARAMETER.sub(r"lent.\1", saved)


_writes: Final = Gathering(write_leases, company=LEASING, on_handover=hang_up)
