"""Wrapping DEKs anew under the active KEK; no secret is opened for it.

In one order of the rows, a portion at a time: unwrap and wrap outside of a transaction, then store
the portion by compare-and-set on the wrapped bytes. A portion that another operator, a crash or a
shredding got to first simply stores fewer rows, so a second run finishes the work, and nothing is
ever wrapped twice over.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
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
        " SET kek_id = %s, wrapped_at = %s, wrapped = decode(new ->> 1, 'hex')"
        " FROM json_array_elements(%s::json) AS new"
        " WHERE dek.keychain_id = (new ->> 0)::uuid AND dek.wrapped = decode(new ->> 2, 'hex')"
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


_Move = tuple[_Row, WrappedKey]


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
        after = rows[-1].place
        moved(_store(_wrap_anew(rows, result=result), kek_id=result.kek_id, actor=actor))
    return result.done > before


def _next_portion(*, active_id: str, after: int | UUID, most: int) -> list[_Row]:
    with connection.cursor() as cursor:
        cursor.execute(_PORTIONS[connection.vendor], [active_id, after, most])
        return [
            _Row(place, _text(keychain).replace("-", ""), WrappedKey(_text(kek_id), bytes(wrapped)))
            for place, keychain, kek_id, wrapped in cursor.fetchall()
        ]


def _text(value: object) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def _wrap_anew(rows: Sequence[_Row], *, result: Rewrapped) -> list[_Move]:
    """The portion under the active KEK; what cannot be moved goes to the failures."""
    active = active_provider()
    whole = [row for row in rows if _ID.fullmatch(row.keychain)]
    own = [row for row in whole if row.key.kek_id.partition(":")[0] == active.name]
    foreign = [row for row in whole if row.key.kek_id.partition(":")[0] != active.name]
    altered = [row for row in rows if not _ID.fullmatch(row.keychain)]
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
            moves.append((row, answer))
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
                "first": str(UUID(moves[0][0].keychain)),
                "last": str(UUID(moves[-1][0].keychain)),
            },
        )
    return done


def _update(moves: Sequence[_Move], *, kek_id: str) -> int:
    sql, now = _UPDATES[connection.vendor], timezone.now()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            at = connection.ops.adapt_datetimefield_value(now)
            cursor.executemany(
                sql,
                [(kek_id, at, key.wrapped, row.place, row.key.wrapped) for row, key in moves],
            )
        else:
            rows = [(row.keychain, key.wrapped.hex(), row.key.wrapped.hex()) for row, key in moves]
            cursor.execute(sql, [kek_id, now, json.dumps(rows)])
        return int(cursor.rowcount)
