"""Wrapping DEKs anew under the active KEK; no secret is opened for it.

In the order of the keychains' ids, a portion at a time: unwrap and wrap outside of a transaction,
then store the portion by compare-and-set on the wrapped bytes. A portion that another operator, a
crash or a shredding got to first simply stores fewer rows, so a second run finishes the work, and
nothing is ever wrapped twice over.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from keyvault import audit
from keyvault.audit import Action, Actor
from keyvault.errors import KekUnavailableError, VaultError
from keyvault.kek.provider import WrappedKey, subject_of
from keyvault.models import WrappedDek
from keyvault.vault.ciphers import count_wraps, forget_ciphers
from keyvault.vault.custody import active_provider, provider_of

PORTION = 2000

_UPDATES = {
    "sqlite": (
        "UPDATE keyvault_wrappeddek SET kek_id = %s, wrapped = %s, wrapped_at = %s"
        " WHERE keychain_id = %s AND wrapped = %s"
    ),
    "postgresql": (
        "UPDATE keyvault_wrappeddek AS dek SET kek_id = %s, wrapped = new.wrapped,"
        " wrapped_at = %s FROM unnest(%s::uuid[], %s::bytea[], %s::bytea[])"
        " AS new (keychain_id, wrapped, before)"
        " WHERE dek.keychain_id = new.keychain_id AND dek.wrapped = new.before"
    ),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A DEK that could not be wrapped anew.

    Attributes:
        keychain_id: whose.
        kek_id: the KEK that it names.
        code: the error's code.
        message: what is wrong.
    """

    keychain_id: UUID
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


@dataclass(frozen=True, slots=True)
class _Move:
    keychain_id: UUID
    before: bytes
    after: bytes


def rewrap(
    *, actor: Actor, progress: Callable[[int, int], None], portion: int = PORTION
) -> Rewrapped:
    """Moves every DEK under the active KEK, whichever provider wraps it now.

    Safe beside live traffic and beside another run. Interrupt it and run it again.

    Args:
        actor: who asked for it.
        progress: called with the number of DEKs done so far, and of all that there are to do.
        portion: DEKs that are moved in one transaction.

    Returns:
        What was done; DEKs that cannot be unwrapped are left as they are and named.

    Raises:
        KeyringError, KekUnavailableError: what was done so far is kept.
    """
    provider = active_provider()
    result = Rewrapped(kek_id=provider.active_id())
    forget_ciphers()
    total = WrappedDek.objects.exclude(kek_id=result.kek_id).count()
    after: UUID | None = None
    while rows := _next_portion(active_id=result.kek_id, after=after, most=portion):
        after = rows[-1].keychain_id
        moves = _wrap_anew(rows, result=result)
        result.done += _store(moves, kek_id=result.kek_id, actor=actor)
        progress(result.done, total)
    return result


def _next_portion(*, active_id: str, after: UUID | None, most: int) -> list[WrappedDek]:
    rows = WrappedDek.objects.exclude(kek_id=active_id).order_by("keychain_id")
    return list((rows.filter(keychain_id__gt=after) if after else rows)[:most])


def _wrap_anew(rows: Sequence[WrappedDek], *, result: Rewrapped) -> list[_Move]:
    """The portion under the active KEK; what cannot be moved goes to the failures."""
    active = active_provider()
    own = [row for row in rows if row.kek_id.partition(":")[0] == active.name]
    foreign = [row for row in rows if row.kek_id.partition(":")[0] != active.name]
    answers = active.rewrap([(row.keychain_id.hex, _key(row)) for row in own]) if own else []
    answers += [_carry_over(row) for row in foreign]
    moves = []
    for row, answer in zip([*own, *foreign], answers, strict=True):
        if isinstance(answer, VaultError):
            failure = Failure(row.keychain_id, row.kek_id, answer.code, str(answer))
            result.failures.append(failure)
        elif answer.kek_id != result.kek_id:
            message = "another operator rotated the KEK meanwhile: run rewrap again"
            raise KekUnavailableError(message)
        else:
            moves.append(_Move(row.keychain_id, bytes(row.wrapped), answer.wrapped))
    return moves


def _carry_over(row: WrappedDek) -> WrappedKey | VaultError:
    """From another provider to the active one: the one case where the DEK passes through here."""
    keychain = row.keychain_id.hex
    try:
        dek = provider_of(row.kek_id).unwrap(key=_key(row), keychain=keychain)
        return active_provider().wrap(dek=dek, keychain=keychain)
    except KekUnavailableError:
        raise
    except VaultError as error:
        return error


def _key(row: WrappedDek) -> WrappedKey:
    return WrappedKey(row.kek_id, bytes(row.wrapped))


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
                "first": str(moves[0].keychain_id),
                "last": str(moves[-1].keychain_id),
            },
        )
    return done


def _update(moves: Sequence[_Move], *, kek_id: str) -> int:
    now = timezone.now()
    with connection.cursor() as cursor:
        sql = _UPDATES[connection.vendor]
        if connection.vendor == "sqlite":
            adapt = connection.ops.adapt_datetimefield_value
            cursor.executemany(
                sql,
                [
                    (kek_id, move.after, adapt(now), move.keychain_id.hex, move.before)
                    for move in moves
                ],
            )
        else:
            columns = (
                [move.keychain_id for move in moves],
                [move.after for move in moves],
                [move.before for move in moves],
            )
            cursor.execute(sql, [kek_id, now, *columns])
        return int(cursor.rowcount)
