"""Wrapping DEKs anew under the active KEK; no secret is opened for it.

In one order of the rows, a portion at a time: unwrap and wrap outside of a transaction, then store
the portion by compare-and-set on the wrapped bytes. A portion that another operator, a crash or a
shredding got to first simply stores fewer rows, so a second run finishes the work, and nothing is
ever wrapped twice over.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from keyvault import audit
from keyvault.audit import Action, Actor
from keyvault.errors import KekUnavailableError, TamperedSecretError, VaultError
from keyvault.kek.provider import WrappedKey, subject_of
from keyvault.models import WrappedDek
from keyvault.vault.ciphers import count_wraps, forget_ciphers
from keyvault.vault.custody import active_provider, configured_providers, provider_of

PORTION = 5000
# With a remote KEK each DEK may be a call, and what an interruption undoes is paid for.
REMOTE_PORTION = 200
# DEKs that a provider is given at a time.
AT_ONCE = 200

_ID = re.compile("[0-9a-f]{32}")
# Of an altered id, which may be as long as a novel, so much is shown.
_SHOWN = 40

# SQLite writes whole pages: in the order in which rows lie there, a portion touches a few of them,
# in the order of random ids nearly all. It also keeps anything in any column, bytes that are no
# text included, which only a cast brings here.
_PORTIONS = {
    "sqlite": (
        "SELECT rowid, CAST(keychain_id AS BLOB), CAST(kek_id AS BLOB), CAST(wrapped AS BLOB)"
        " FROM keyvault_wrappeddek"
        " WHERE kek_id <> %s AND rowid > %s ORDER BY rowid LIMIT %s"
    ),
    "postgresql": (
        "SELECT keychain_id, keychain_id, kek_id, wrapped FROM keyvault_wrappeddek"
        " WHERE kek_id <> %s AND keychain_id > %s ORDER BY keychain_id LIMIT %s"
    ),
}
_STARTS: dict[str, int | UUID] = {"sqlite": 0, "postgresql": UUID(int=0)}
_UPDATES = {
    "sqlite": (
        "UPDATE keyvault_wrappeddek SET kek_id = %s, wrapped_at = %s, wrapped = %s"
        " WHERE rowid = %s AND wrapped = %s"
    ),
    "postgresql": (
        "UPDATE keyvault_wrappeddek AS dek"
        " SET kek_id = %s, wrapped_at = %s, wrapped = move.new"
        " FROM unnest(%b::uuid[], %b::bytea[], %b::bytea[]) AS move (place, old, new)"
        " WHERE dek.keychain_id = move.place AND dek.wrapped = move.old"
    ),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A DEK that could not be wrapped anew.

    Attributes:
        keychain_id: whose, as a UUID; of an altered row, what stands there.
        kek_id: the KEK that it names.
        code: the error's code.
        message: what is wrong.
    """

    keychain_id: str
    kek_id: str
    code: str
    message: str


@dataclass(slots=True)
class Rewrapped:
    """What a run has done.

    Attributes:
        kek_id: the active KEK at its end.
        done: DEKs that were moved.
        failures: DEKs that could not be, and why.
    """

    kek_id: str
    done: int = 0
    failures: list[Failure] = field(default_factory=list)


class _Row(NamedTuple):
    place: int | UUID
    keychain: str
    key: WrappedKey


# Where a row is, whose it is, what stood there, what will. Plain: a portion holds thousands, over
# which the garbage collector would else go again and again.
_Move = tuple[int | UUID, str, bytes, bytes]


def rewrap(
    *, actor: Actor, progress: Callable[[int, int], None], portion: int | None = None
) -> Rewrapped:
    """Moves every DEK under the active KEK, whichever provider wraps it now.

    Safe beside live traffic and beside another run. Interrupt it and run it again. Goes over the
    table until there is nothing to move, so it also finds what a process that had not yet heard of
    the rotation stored behind it.

    Args:
        actor: who asked for it.
        progress: called with the number of DEKs done so far, and of all that there are to do.
        portion: DEKs that are moved in one transaction; None: as many as suit the providers.

    Returns:
        What was done; DEKs that cannot be unwrapped are left as they are and named.

    Raises:
        KeyringError, KekUnavailableError: what was done so far is kept.
    """
    if portion is None:
        is_remote = any(provider.is_remote for provider in configured_providers())
        portion = REMOTE_PORTION if is_remote else PORTION
    result = Rewrapped(kek_id=active_provider().active_id())
    forget_ciphers()
    total = WrappedDek.objects.exclude(kek_id=result.kek_id).count()

    def moved(done: int) -> None:
        result.done += done
        progress(result.done, max(total, result.done))

    while _walk(result, actor=actor, portion=portion, moved=moved):
        pass
    return result


def _walk(result: Rewrapped, *, actor: Actor, portion: int, moved: Callable[[int], None]) -> bool:
    """Goes over the table once; whether anything was moved."""
    result.failures.clear()
    before, after = result.done, _STARTS[connection.vendor]
    while rows := _next_portion(active_id=result.kek_id, after=after, most=portion):
        after = rows[-1][0]
        moves: list[_Move] = []
        for start in range(0, len(rows), AT_ONCE):
            moves += _wrap_anew([_row(*row) for row in rows[start : start + AT_ONCE]], result)
        moved(_store(moves, kek_id=result.kek_id, actor=actor))
    return result.done > before


def _next_portion(*, active_id: str, after: int | UUID, most: int) -> list[Any]:
    with _cursor() as cursor:
        cursor.execute(_PORTIONS[connection.vendor], [active_id, after, most])
        rows: list[Any] = cursor.fetchall()
        return rows


def _row(place: int | UUID, keychain: object, kek_id: object, wrapped: bytes | memoryview) -> _Row:
    return _Row(place, _text(keychain).replace("-", ""), WrappedKey(_text(kek_id), bytes(wrapped)))


def _text(value: object) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def _wrap_anew(rows: Sequence[_Row], result: Rewrapped) -> list[_Move]:
    """Rows under the active KEK; what cannot be moved goes to the failures."""
    active = active_provider()
    own: list[_Row] = []
    foreign: list[_Row] = []
    altered: list[_Row] = []
    for row in rows:
        is_own = row.key.kek_id.startswith(f"{active.name}:")
        kind = altered if not _ID.fullmatch(row.keychain) else own if is_own else foreign
        kind.append(row)
    answers = active.rewrap([(row.keychain, row.key) for row in own]) if own else []
    answers += [_carry_over(row) for row in foreign] + [_altered(row) for row in altered]
    moves: list[_Move] = []
    for row, answer in zip([*own, *foreign, *altered], answers, strict=True):
        if isinstance(answer, VaultError):
            result.failures.append(_failure(row, answer))
        elif answer.kek_id != result.kek_id:
            message = "another operator rotated the KEK meanwhile: run rewrap again"
            raise KekUnavailableError(message)
        else:
            moves.append((row.place, row.keychain, row.key.wrapped, answer.wrapped))
    return moves


def _altered(row: _Row) -> VaultError:
    return TamperedSecretError(
        f"its row {row.place} of keyvault_wrappeddek was altered: the keychain_id is no UUID. "
        "Delete the row, or restore a backup"
    )


def _failure(row: _Row, error: VaultError) -> Failure:
    is_whole = _ID.fullmatch(row.keychain)
    keychain = str(UUID(row.keychain)) if is_whole else row.keychain[:_SHOWN]
    return Failure(keychain, row.key.kek_id, error.code, str(error))


def _carry_over(row: _Row) -> WrappedKey | VaultError:
    """From another provider to the active one: the one case where the DEK passes through here."""
    try:
        dek = provider_of(row.key.kek_id).unwrap(key=row.key, keychain=row.keychain)
        return active_provider().wrap(dek=dek, keychain=row.keychain)
    except KekUnavailableError:
        raise
    except VaultError as error:
        return error


def _store(moves: Sequence[_Move], *, kek_id: str, actor: Actor) -> int:
    if not moves:
        return 0
    with transaction.atomic():
        count_wraps(kek_id=kek_id, wraps=len(moves))
        done = _update(moves, kek_id=kek_id)
        audit.record(
            action=Action.DEK_REWRAPPED,
            actor=actor,
            subject=subject_of(kek_id),
            facts={
                "count": done,
                "first": str(UUID(moves[0][1])),
                "last": str(UUID(moves[-1][1])),
            },
        )
    return done


def _update(moves: Sequence[_Move], *, kek_id: str) -> int:
    sql, now = _UPDATES[connection.vendor], timezone.now()
    with _cursor() as cursor:
        if connection.vendor == "sqlite":
            at = connection.ops.adapt_datetimefield_value(now)
            rows = [(kek_id, at, new, place, old) for place, _, old, new in moves]
            cursor.executemany(sql, rows)
        else:
            places, _, old_ones, new_ones = zip(*moves, strict=True)
            cursor.execute(sql, [kek_id, now, list(places), list(old_ones), list(new_ones)])
        return int(cursor.rowcount)


def _cursor() -> AbstractContextManager[Any]:
    """On PostgreSQL one of psycopg's own: bytes in text form cost a second time."""
    if connection.vendor == "sqlite":
        return connection.cursor()
    connection.ensure_connection()
    cursor: AbstractContextManager[Any] = connection.connection.cursor(binary=True)
    return cursor
