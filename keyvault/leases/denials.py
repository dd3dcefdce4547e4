"""Putting on record that a store had nothing to lend."""

import time
from typing import Final
from uuid import UUID

from keyvault import audit
from keyvault.audit import Action
from keyvault.errors import NoCredentialError, PoolEmptyError
from keyvault.leases.access import caller_of
from keyvault.leases.backends import Scope
from keyvault.vault.holds import count_denial

MOST_KEPT: Final = 10_000
_recently: dict[tuple[str, UUID], int] = {}


def record_denied(
    *, digest: str, keychain_id: UUID, error: NoCredentialError | PoolEmptyError
) -> None:
    """Records `lease.denied`; call it when the transaction is over.

    A process records a store's denials once a minute and counts them in its measures: whoever polls
    an empty pool must not make it slower for the others. Where a key of the store is held back, as
    in a rehearsal, each denial for want of a key is counted exactly.

    Args:
        digest: of a token that may lease from the store.
        keychain_id: the store.
        error: why there was nothing.
    """
    if isinstance(error, NoCredentialError):
        count_denial(keychain_id=keychain_id)
    minute = int(time.monotonic() // 60)
    if _recently.get((digest, keychain_id)) == minute:
        return
    if len(_recently) >= MOST_KEPT:
        _recently.clear()
    _recently[digest, keychain_id] = minute
    caller = caller_of(digest=digest, scope=Scope.LEASES_WRITE)
    audit.record_denial(
        action=Action.LEASE_DENIED,
        actor=caller.actor,
        keychain_id=keychain_id,
        facts={"reason": error.code},
    )
