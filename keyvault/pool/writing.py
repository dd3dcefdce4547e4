"""Writing what the pool knows of a key, together with what depends on it.

Each write names the version that was read and does nothing when the row has moved on, so a reader
needs no lock: who loses reads again. On PostgreSQL the key and all effects are one statement, hence
one round trip and one commit; on SQLite they are several, in the caller's transaction or in one for
all threads of the process that are ready.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from keyvault.pool.engine import Engine, engine
from keyvault.pool.turns import write_together
from keyvault.windows import KeyState

_UPDATE: Final = (
    "UPDATE keyvault_poolkey SET version = keyvault_poolkey.version + 1, windows = {windows}, "
    "high_water_us = %(high_water_us)s, next_free_us = %(next_free_us)s, "
    "batch_free_us = %(batch_free_us)s, cooled_until_us = %(cooled_until_us)s, "
    "foreign_seen_us = %(foreign_seen_us)s, headroom = %(headroom)s, "
    "interactive_load = %(interactive_load)s {source}"
    "WHERE keyvault_poolkey.id = %(key_id)s AND keyvault_poolkey.version = %(version)s {condition}"
)


@dataclass(frozen=True, slots=True)
class Effect:
    """A statement that takes place only together with the key's new state.

    Attributes:
        sql: an INSERT … SELECT … WHERE {saved} or an UPDATE … WHERE … AND {saved}; its parameters
            have names of their own among all effects of one write.
        parameters: their values, as `keyvault.pool.engine` converts them.
    """

    sql: str
    parameters: dict[str, Any]


def write_key(
    *,
    key_id: int,
    version: int,
    state: KeyState,
    effects: Sequence[Effect] = (),
    condition: str = "",
) -> bool:
    """Writes a key's state and its effects, or nothing.

    Args:
        key_id: the row of `PoolKey`.
        version: as it was read.
        state: the new state.
        effects: what takes place with it.
        condition: a further condition for all of it, "AND …", in parameters of the effects.

    Returns:
        Whether it was written; if not, read again.
    """
    fragments = engine()
    update = update_of(fragments, condition=condition)
    parameters = parameters_of(key_id=key_id, version=version, state=state)
    for effect in effects:
        parameters |= effect.parameters
    statements = [effect.sql.format(saved=fragments.saved) for effect in effects]
    if fragments.is_postgresql:
        return _in_one_statement([update, *statements], parameters=parameters)
    return write_together(lambda: _in_several([update, *statements], parameters=parameters))


def update_of(fragments: Engine, *, condition: str, source: str = "") -> str:
    """The statement that writes a key's state, in the terms of `parameters_of`."""
    written = fragments.json.format("%(windows)s")
    return _UPDATE.format(windows=written, condition=condition, source=source)


def _in_one_statement(statements: Sequence[str], *, parameters: dict[str, Any]) -> bool:
    update, *effects = statements
    parts = [f"saved AS ({update} RETURNING id)"]
    parts += [f"effect_{n} AS ({sql})" for n, sql in enumerate(effects)]
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {', '.join(parts)} SELECT id FROM saved", parameters)  # noqa: S608  # our own fragments
        return cursor.fetchone() is not None


def _in_several(statements: Sequence[str], *, parameters: dict[str, Any]) -> bool:
    update, *effects = statements
    with connection.cursor() as cursor:
        cursor.execute(update, parameters)
        is_written = bool(cursor.rowcount)
        for statement in effects if is_written else ():
            cursor.execute(statement, parameters)
        return is_written


def parameters_of(*, key_id: int, version: int, state: KeyState) -> dict[str, Any]:
    """What is written of a key."""
    return {
        "key_id": key_id,
        "version": version,
        "windows": json.dumps(
            [
                [
                    each.seconds,
                    each.limit,
                    each.counted,
                    each.horizon_us,
                    each.reset_from_us,
                    each.reset_until_us,
                ]
                for each in state.windows
            ],
            separators=(",", ":"),
        ),
        "high_water_us": state.high_water_us,
        "next_free_us": state.next_free_us,
        "batch_free_us": state.batch_free_us,
        "cooled_until_us": state.cooled_until_us,
        "foreign_seen_us": state.foreign_seen_us,
        "headroom": state.headroom,
        "interactive_load": state.interactive_load,
    }
